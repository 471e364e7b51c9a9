// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccountWord} from "../libraries/AccountWord.sol";
import {RefundQueue} from "../libraries/RefundQueue.sol";
import {AccountLists} from "./AccountLists.sol";
import {FineTuningDeliverables} from "./FineTuningDeliverables.sol";

/// @title Fine-tuning sub-accounts as the deployed ABI shows them.
abstract contract FineTuningAccounts is AccountLists, FineTuningDeliverables {
    using RefundQueue for RefundQueue.Queue;

    uint256 private constant MAX_BATCH_ACCOUNTS = 50;

    /// @dev See IFineTuningServing.
    function getAccount(address user, address provider) external view returns (AccountDetails memory) {
        AccountDetails memory details;
        AccountSummary memory summary = _summary(_requireAccount(user, provider), user, provider);
        details.user = user;
        details.provider = provider;
        details.nonce = summary.nonce;
        details.balance = summary.balance;
        details.pendingRefund = summary.pendingRefund;
        details.refunds = _refundsOf(user, provider);
        details.additionalInfo = summary.additionalInfo;
        details.deliverables = getDeliverables(user, provider);
        details.validRefundsLength = summary.validRefundsLength;
        details.deliverablesHead = _rings[provider][user].head;
        details.deliverablesCount = summary.deliverablesCount;
        details.acknowledged = summary.acknowledged;
        return details;
    }

    /// @dev See IFineTuningServing.
    function getAllAccounts(uint256 offset, uint256 limit)
        external
        view
        returns (AccountSummary[] memory accounts, uint256 total)
    {
        _checkLimit(limit);
        Pair[] memory page;
        (page, total) = _pairs(offset, limit);
        accounts = _accountsAt(page);
    }

    /// @dev See IFineTuningServing.
    function getAccountsByProvider(address provider, uint256 offset, uint256 limit)
        external
        view
        returns (AccountSummary[] memory accounts, uint256 total)
    {
        _checkLimit(limit);
        Pair[] memory page;
        (page, total) = _pairsOfProvider(provider, offset, limit);
        accounts = _accountsAt(page);
    }

    /// @dev See IFineTuningServing.
    function getAccountsByUser(address user, uint256 offset, uint256 limit)
        external
        view
        returns (AccountSummary[] memory accounts, uint256 total)
    {
        _checkLimit(limit);
        Pair[] memory page;
        (page, total) = _pairsOfUser(user, offset, limit);
        accounts = _accountsAt(page);
    }

    /// @dev See IFineTuningServing.
    function getBatchAccountsByUsers(address[] memory users)
        external
        view
        returns (AccountSummary[] memory accounts)
    {
        if (users.length > MAX_BATCH_ACCOUNTS) {
            revert BatchSizeTooLarge(users.length, MAX_BATCH_ACCOUNTS);
        }
        accounts = new AccountSummary[](users.length);
        for (uint256 i; i < users.length; ++i) {
            AccountWord word = _accounts[msg.sender][users[i]];
            if (word.isOpen()) accounts[i] = _summary(word, users[i], msg.sender);
        }
    }

    /* INTERNALS */

    function _summary(AccountWord word, address user, address provider)
        private
        view
        returns (AccountSummary memory)
    {
        return AccountSummary({
            user: user,
            provider: provider,
            nonce: _sides[provider][user].nonce,
            balance: word.balance(),
            pendingRefund: _pendingOf(word, user, provider),
            additionalInfo: _infos[provider][user],
            validRefundsLength: _refunds[provider][user].length(),
            deliverablesCount: _rings[provider][user].count,
            acknowledged: _isAcknowledged(word, user, provider)
        });
    }

    function _accountsAt(Pair[] memory page) private view returns (AccountSummary[] memory accounts) {
        accounts = new AccountSummary[](page.length);
        for (uint256 i; i < page.length; ++i) {
            (address user, address provider) = (page[i].user, page[i].provider);
            accounts[i] = _summary(_accounts[provider][user], user, provider);
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
