// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILedgerAdditions} from "../interfaces/ILedgerAdditions.sol";
import {AccountWord} from "../libraries/AccountWord.sol";
import {Page} from "../libraries/Page.sol";
import {RefundQueue} from "../libraries/RefundQueue.sol";
import {FineTuningDeliverables} from "./FineTuningDeliverables.sol";

/// @title Fine-tuning sub-accounts as the deployed ABI shows them.
abstract contract FineTuningAccounts is FineTuningDeliverables {
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
        uint256 providers = _accountProviders.length;
        for (uint256 i; i < providers; ++i) {
            total += _providers[_accountProviders[i]].accounts;
        }

        uint256 end = Page.end(offset, limit, total);
        accounts = new AccountSummary[](end - offset);
        uint256 found;
        uint256 before; // sub-accounts of the providers already passed
        for (uint256 i; i < providers && before < end; ++i) {
            address provider = _accountProviders[i];
            uint256 count = _providers[provider].accounts;
            for (uint256 j = offset > before ? offset - before : 0; j < count && before + j < end; ++j) {
                found = _append(accounts, found, _users[provider][j], provider);
            }
            before += count;
        }
        _shorten(accounts, found);
    }

    /// @dev See IFineTuningServing.
    function getAccountsByProvider(address provider, uint256 offset, uint256 limit)
        external
        view
        returns (AccountSummary[] memory accounts, uint256 total)
    {
        _checkLimit(limit);
        total = _providers[provider].accounts;
        uint256 end = Page.end(offset, limit, total);
        accounts = new AccountSummary[](end - offset);
        uint256 found;
        for (uint256 i = offset; i < end; ++i) {
            found = _append(accounts, found, _users[provider][i], provider);
        }
        _shorten(accounts, found);
    }

    /// @dev See IFineTuningServing.
    function getAccountsByUser(address user, uint256 offset, uint256 limit)
        external
        view
        returns (AccountSummary[] memory accounts, uint256 total)
    {
        _checkLimit(limit);
        address[] memory providers = ILedgerAdditions(ledgerAddress).providersOf(user, address(this));
        total = providers.length;
        uint256 end = Page.end(offset, limit, total);
        accounts = new AccountSummary[](end - offset);
        uint256 found;
        for (uint256 i = offset; i < end; ++i) {
            found = _append(accounts, found, user, providers[i]);
        }
        _shorten(accounts, found);
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

    function _append(AccountSummary[] memory accounts, uint256 found, address user, address provider)
        private
        view
        returns (uint256)
    {
        AccountWord word = _accounts[provider][user];
        if (!word.isOpen()) return found;
        accounts[found] = _summary(word, user, provider);
        return found + 1;
    }

    function _shorten(AccountSummary[] memory accounts, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(accounts, length) // never more than it was
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
