// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {ISignerRotation} from "../interfaces/ISignerRotation.sol";
import {IServing} from "../interfaces/IServing.sol";
import {IServingFunds} from "../interfaces/IServingFunds.sol";
import {AccountWord} from "../libraries/AccountWord.sol";
import {RefundQueue} from "../libraries/RefundQueue.sol";
import {ServingState} from "./ServingState.sol";

/// @title Sub-accounts: opened, filled, asked back, spent and closed.
abstract contract ServingAccounts is IServing, IServingFunds, IERC165, ServingState {
    using RefundQueue for RefundQueue.Queue;

    /// @notice The code for everything that moves no money; created with this contract, and fixed.
    address public immutable desk;

    constructor(address deskCode) {
        desk = deskCode;
    }

    /// @dev What this contract has no function for, its desk does, on this contract's state.
    fallback() external payable {
        address code = desk;
        assembly {
            // Ends this call: the whole memory is free to use.
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), code, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if ok { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }

    /* FOR THE LEDGER */

    /// @inheritdoc IServing
    function addAccount(address user, address provider, string memory additionalInfo)
        external
        payable
        onlyLedger
    {
        _checkParties(user, provider);
        _checkInfo(additionalInfo);
        AccountWord word = _accounts[provider][user];
        if (word.isOpen()) revert AccountExists(user, provider);

        if (bytes(additionalInfo).length + bytes(_infos[provider][user]).length != 0) {
            _infos[provider][user] = additionalInfo;
        }
        word = _open(word, user, provider).withBalance(msg.value);
        _accounts[provider][user] = _acknowledge(word, user, provider, _providers[provider].version);
        emit BalanceUpdated(user, provider, msg.value, 0);
    }

    /// @inheritdoc IServing
    function depositFund(address user, address provider, uint256 cancelRetrievingAmount)
        external
        payable
        onlyLedger
    {
        _checkParties(user, provider);
        AccountWord word = _requireAccount(user, provider);
        if (cancelRetrievingAmount != 0) word = _cancelRefunds(word, user, provider, cancelRetrievingAmount);
        _store(user, provider, word.withBalance(word.balance() + msg.value));
    }

    /// @inheritdoc IServingFunds
    function onboard(address user, address provider, address signer)
        external
        payable
        onlyLedger
        returns (bool opened)
    {
        _checkParties(user, provider);
        Provider storage record = _requireService(provider);
        if (record.signer != signer) revert ISignerRotation.SignerChanged(signer, record.signer);

        AccountWord word = _accounts[provider][user];
        opened = !word.isOpen();
        if (opened) word = _open(word, user, provider);
        word = word.withBalance(word.balance() + msg.value);
        _store(user, provider, _acknowledge(word, user, provider, record.version));
    }

    /// @inheritdoc IServing
    function requestRefundAll(address user, address provider) external onlyLedger {
        AccountWord word = _requireAccount(user, provider);
        uint256 amount = word.balance() - _pendingOf(word, user, provider);
        if (amount != 0) _queueRefund(word, user, provider, amount);
    }

    /// @inheritdoc IServingFunds
    function requestRefund(address user, address provider, uint256 amount) external onlyLedger {
        AccountWord word = _requireAccount(user, provider);
        uint256 free = word.balance() - _pendingOf(word, user, provider);
        if (amount == 0 || amount > free) revert NotEnoughToRefund(free, amount);
        _queueRefund(word, user, provider, amount);
    }

    /// @inheritdoc IServing
    function processRefund(address user, address provider)
        external
        onlyLedger
        nonReentrant
        returns (uint256 totalAmount, uint256 balance, uint256 pendingRefund)
    {
        AccountWord word = _requireAccount(user, provider);
        if (!word.isQueued()) return (0, word.balance(), 0);

        RefundQueue.Queue storage queue = _refunds[provider][user];
        totalAmount = queue.takeMatured(_maturedCutoff());
        balance = word.balance() - totalAmount;
        if (totalAmount == 0) return (0, balance, _pendingOf(word, user, provider));

        pendingRefund = _store(user, provider, word.withBalance(balance).withQueued(queue.entries[0] != 0));
        (bool ok,) = ledgerAddress.call{value: totalAmount}("");
        if (!ok) _refuseRefund();
    }

    /// @inheritdoc IServing
    function deleteAccount(address user, address provider) external onlyLedger {
        AccountWord word = _accounts[provider][user];
        if (!word.isOpen()) return;
        if (word.balance() != 0) revert AccountNotEmpty(user, provider, word.balance());

        _accounts[provider][user] = word.withOpen(false);
        _clearAccount(user, provider);
        emit AccountDeleted(user, provider, 0);
    }

    /* VIEWS */

    /// @inheritdoc IServing
    function accountExists(address user, address provider) external view returns (bool) {
        return _accounts[provider][user].isOpen();
    }

    /// @inheritdoc IServing
    function getPendingRefund(address user, address provider) external view returns (uint256) {
        return _pendingOf(_accounts[provider][user], user, provider);
    }

    /// @inheritdoc IServingFunds
    function balancesOf(address user, address[] calldata providers) external view returns (uint256 sum) {
        for (uint256 i; i < providers.length; ++i) {
            sum += _accounts[providers[i]][user].balance();
        }
    }

    /// @inheritdoc IServingFunds
    function spendableOf(address user, address provider) external view returns (uint256 spendable) {
        (spendable,) = _spendable(_accounts[provider][user], user, provider);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view virtual returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(IServing).interfaceId
            || interfaceId == type(IServingFunds).interfaceId
            || interfaceId == type(ISignerRotation).interfaceId;
    }

    /* SPENDING */

    /// @dev Takes `fee`, or what there is, from what has not matured: first what is not asked back, then
    /// refunds, newest first.
    function _spend(AccountWord word, address user, address provider, uint256 fee)
        internal
        returns (AccountWord, uint256 paid)
    {
        (uint256 spendable, uint256 free) = _spendable(word, user, provider);
        paid = fee < spendable ? fee : spendable;
        if (paid > free) word = _cancelRefunds(word, user, provider, paid - free);
        return (word.withBalance(word.balance() - paid), paid);
    }

    /* INTERNALS */

    /// @dev Forgets what does not survive the closing of a sub-account.
    function _clearAccount(address user, address provider) internal virtual;

    function _checkParties(address user, address provider) private pure {
        if (user == address(0) || provider == address(0)) revert InvalidAddress(address(0));
        if (user == provider) revert ProviderCannotBeUser();
    }

    /// @dev Opens a sub-account. One that was open before is in the list already, and remembers since when
    /// it is open again.
    function _open(AccountWord word, address user, address provider) private returns (AccountWord) {
        if (!word.isListed()) {
            Provider storage record = _providers[provider];
            uint32 count = record.accounts;
            if (count == 0) _accountProviders.push(provider);
            record.accounts = count + 1;
            _users[provider][count] = user;
            return word.withListed().withOpen(true);
        }
        _sides[provider][user].openedAt = uint40(block.timestamp); // safe for 34,000 years
        return word.withOpen(true).withAside(true);
    }

    function _cancelRefunds(AccountWord word, address user, address provider, uint256 amount)
        internal
        returns (AccountWord)
    {
        RefundQueue.Queue storage queue = _refunds[provider][user];
        queue.cancelNewest(amount);
        return word.withQueued(queue.entries[0] != 0);
    }

    function _queueRefund(AccountWord word, address user, address provider, uint256 amount) private {
        uint256 index = _refunds[provider][user].push(amount);
        word = word.withQueued(true);
        _accounts[provider][user] = word;
        emit RefundRequested(user, provider, index, block.timestamp);
        emit RefundQueued(user, provider, amount, _pendingOf(word, user, provider));
    }

    /// @dev Stores the word and logs the balance.
    function _store(address user, address provider, AccountWord word) internal returns (uint256 pending) {
        _accounts[provider][user] = word;
        pending = _pendingOf(word, user, provider);
        emit BalanceUpdated(user, provider, word.balance(), pending);
    }
}
