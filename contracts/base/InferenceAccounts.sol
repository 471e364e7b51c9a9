// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccountWord} from "../libraries/AccountWord.sol";
import {RefundQueue} from "../libraries/RefundQueue.sol";
import {AccountLists} from "./AccountLists.sol";
import {InferenceServices} from "./InferenceServices.sol";

/// @title Session tokens of inference sub-accounts, and the sub-accounts as the deployed ABI shows them.
abstract contract InferenceAccounts is AccountLists, InferenceServices {
    using RefundQueue for RefundQueue.Queue;

    uint256 private constant MAX_BATCH_ACCOUNTS = 500;

    /* SESSION TOKENS */

    /// @dev See IInferenceServing.
    function revokeToken(address provider, uint8 tokenId) external {
        _requireAccount(msg.sender, provider);
        _revokedBitmaps[provider][msg.sender] |= 1 << tokenId;
        emit TokenRevoked(msg.sender, provider, tokenId);
    }

    /// @dev See IInferenceServing.
    function revokeTokens(address provider, uint8[] memory tokenIds) external {
        _requireAccount(msg.sender, provider);
        uint256 bits;
        for (uint256 i; i < tokenIds.length; ++i) {
            bits |= 1 << tokenIds[i];
        }
        _revokedBitmaps[provider][msg.sender] |= bits;
        emit TokensRevoked(msg.sender, provider, tokenIds);
    }

    /// @dev See IInferenceServing.
    function revokeAllTokens(address provider) external {
        _requireAccount(msg.sender, provider);
        _revokeAll(msg.sender, provider);
    }

    /// @dev See IInferenceServing.
    function isTokenRevoked(address user, address provider, uint8 tokenId) external view returns (bool) {
        _requireAccount(user, provider);
        return _revokedBitmaps[provider][user] & (1 << tokenId) != 0;
    }

    /* VIEWS */

    /// @dev See IInferenceServing.
    function getAccount(address user, address provider) public view returns (Account memory) {
        Account memory account;
        AccountWord word = _requireAccount(user, provider);
        Side storage side = _sides[provider][user];
        account.user = user;
        account.provider = provider;
        account.nonce = side.nonce;
        account.balance = word.balance();
        account.pendingRefund = _pendingOf(word, user, provider);
        account.refunds = _refundsOf(user, provider);
        account.additionalInfo = _infos[provider][user];
        account.acknowledged = _isAcknowledged(word, user, provider);
        account.validRefundsLength = account.refunds.length;
        account.generation = side.generation;
        account.revokedBitmap = _revokedBitmaps[provider][user];
        return account;
    }

    /// @dev See IInferenceServing.
    function getAllAccounts(uint256 offset, uint256 limit)
        external
        view
        returns (Account[] memory accounts, uint256 total)
    {
        _checkLimit(limit);
        Pair[] memory page;
        (page, total) = _pairs(offset, limit);
        accounts = _accountsAt(page);
    }

    /// @dev See IInferenceServing.
    function getAccountsByProvider(address provider, uint256 offset, uint256 limit)
        external
        view
        returns (Account[] memory accounts, uint256 total)
    {
        _checkLimit(limit);
        Pair[] memory page;
        (page, total) = _pairsOfProvider(provider, offset, limit);
        accounts = _accountsAt(page);
    }

    /// @dev See IInferenceServing.
    function getAccountsByUser(address user, uint256 offset, uint256 limit)
        external
        view
        returns (Account[] memory accounts, uint256 total)
    {
        _checkLimit(limit);
        Pair[] memory page;
        (page, total) = _pairsOfUser(user, offset, limit);
        accounts = _accountsAt(page);
    }

    /// @dev See IInferenceServing.
    function getBatchAccountsByUsers(address[] memory users)
        external
        view
        returns (Account[] memory accounts)
    {
        if (users.length > MAX_BATCH_ACCOUNTS) {
            revert BatchSizeTooLarge(users.length, MAX_BATCH_ACCOUNTS);
        }
        accounts = new Account[](users.length);
        for (uint256 i; i < users.length; ++i) {
            if (_accounts[msg.sender][users[i]].isOpen()) accounts[i] = getAccount(users[i], msg.sender);
        }
    }

    /* INTERNALS */

    function _accountsAt(Pair[] memory page) private view returns (Account[] memory accounts) {
        accounts = new Account[](page.length);
        for (uint256 i; i < page.length; ++i) {
            accounts[i] = getAccount(page[i].user, page[i].provider);
        }
    }

    function _refundsOf(address user, address provider) private view returns (Refund[] memory refunds) {
        RefundQueue.Queue storage queue = _refunds[provider][user];
        refunds = new Refund[](queue.length());
        for (uint256 i; i < refunds.length; ++i) {
            refunds[i] = Refund(
                i, RefundQueue.amountOf(queue.entries[i]), RefundQueue.timeOf(queue.entries[i]), false
            );
        }
    }
}
