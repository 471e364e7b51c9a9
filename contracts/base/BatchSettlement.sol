// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IBatchSettlement} from "../interfaces/IBatchSettlement.sol";
import {AccountWord, AccountWordLib} from "../libraries/AccountWord.sol";
import {InferenceState} from "./InferenceState.sol";
import {ServingAccounts} from "./ServingAccounts.sol";

/// @title Settlement of many payers by one signature.
abstract contract BatchSettlement is IBatchSettlement, ServingAccounts, InferenceState {
    bytes32 private constant BATCH_TYPEHASH =
        keccak256("SettlementBatch(address provider,uint32 epoch,uint48 upTo,uint64 asOf,bytes rows)");
    bytes32 private constant EPOCH_TYPEHASH = keccak256("OpenEpoch(address provider,uint32 epoch)");
    // slither-disable-next-line uninitialized-state: a constant
    uint256 internal constant PAYER_SETTLED = uint256(PayerSettled.selector);
    uint256 private constant MAX_AGE = 30 days;
    uint256 private constant ROW = 32;

    struct Batch {
        address provider;
        uint256 upTo;
        uint256 asOf;
        uint256 version;
    }

    /// @inheritdoc IBatchSettlement
    function settleBatch(
        address provider,
        uint48 upTo,
        uint64 asOf,
        bytes calldata rows,
        bytes calldata signature
    ) external nonReentrant returns (uint256 paid) {
        // Check
        if (rows.length % ROW != 0) revert RowsMalformed(rows.length);
        if (asOf > block.timestamp || block.timestamp - asOf > MAX_AGE) {
            revert BatchOutOfTime(asOf, block.timestamp);
        }
        uint256 epoch = upTo >> 32;
        if (epoch != _providers[provider].epoch) revert WrongEpoch(epoch, _providers[provider].epoch);
        bytes32 structHash =
            keccak256(abi.encode(BATCH_TYPEHASH, provider, epoch, upTo, asOf, keccak256(rows)));
        address signer = ECDSA.recoverCalldata(_hashTypedDataV4(structHash), signature);
        uint256 version = _settlingVersion(provider, signer, upTo);
        if (version == 0) revert SignerNotAccepted(signer);

        // Effect
        uint256 payers;
        (paid, payers) = _settleRows(Batch(provider, upTo, asOf, version), rows);
        address payee = payeeOf(provider);
        emit BatchSettled(provider, payee, upTo, asOf, payers, paid);

        // Interaction
        if (paid != 0) _payOut(payee, paid);
    }

    /// @inheritdoc IBatchSettlement
    function openEpoch(address provider, uint32 epoch, bytes calldata signature) external {
        Provider storage record = _providers[provider];
        if (epoch != uint256(record.epoch) + 1 || epoch > type(uint16).max) {
            revert EpochNotNext(epoch, record.epoch);
        }
        if (msg.sender != provider) {
            bytes32 structHash = keccak256(abi.encode(EPOCH_TYPEHASH, provider, epoch));
            address signer = ECDSA.recoverCalldata(_hashTypedDataV4(structHash), signature);
            if (signer != record.signer) revert SignerNotAccepted(signer);
        }
        record.epoch = uint24(epoch); // safe: at most 16 bits
        emit EpochOpened(provider, epoch);
    }

    /// @inheritdoc IBatchSettlement
    function setPayee(address payee) external {
        _payees[msg.sender] = payee;
        emit PayeeChanged(msg.sender, payee);
    }

    /// @inheritdoc IBatchSettlement
    function payeeOf(address provider) public view returns (address payee) {
        payee = _payees[provider];
        if (payee == address(0)) payee = provider;
    }

    /// @dev See IDisputable.
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IBatchSettlement
    function epochOf(address provider) external view returns (uint256) {
        return _providers[provider].epoch;
    }

    /// @inheritdoc IBatchSettlement
    function settledOf(address user, address provider)
        external
        view
        returns (uint256 settled, uint256 upTo, uint256 version, uint256 mode)
    {
        AccountWord word = _accounts[provider][user];
        return (word.settled(), word.upTo(), word.version(), word.mode());
    }

    /* ROWS */

    /// @dev The loop is written for gas: one cold word and one log per payer.
    function _settleRows(Batch memory batch, bytes calldata rows)
        private
        returns (uint256 total, uint256 payers)
    {
        mapping(address => AccountWord) storage accounts = _accounts[batch.provider];
        uint256 upTo = batch.upTo;
        uint256 version = batch.version;
        // Cannot overflow: at most 2^32 rows of 96 bits each.
        unchecked {
            for (uint256 i; i < rows.length; i += ROW) {
                uint256 row = _load(rows, i);
                uint256 slot = _slotOf(accounts, row >> 96);
                AccountWord word = _read(slot);
                uint256 settled = word.settled();
                uint256 cumulative = row & type(uint96).max;
                if (cumulative <= settled || word.upTo() >= upTo) continue;

                uint256 due = cumulative - settled;
                uint256 paid = word.balance();
                if (word.isPlain(version)) {
                    if (paid > due) paid = due;
                } else {
                    (word, paid) = _prepareRow(word, address(uint160(row >> 96)), batch, due);
                }
                if (paid == 0) continue;

                _write(slot, word.pay(paid, upTo));
                _logPayer(row >> 96, (paid << 128) | (settled + paid));
                total += paid;
                ++payers;
            }
        }
    }

    /// @dev A row whose word alone does not decide: another mode, refunds pending, or the acknowledgement
    /// aside.
    /// @return The word, ready for `pay`.
    /// @return payable_ What can be taken; zero when the row is refused.
    function _prepareRow(AccountWord word, address user, Batch memory batch, uint256 due)
        private
        returns (AccountWord, uint256 payable_)
    {
        address provider = batch.provider;
        if (word.isAside()) {
            Side memory side = _sides[provider][user];
            if (!_mayBeCharged(word, side, batch)) return (word, 0);
            if (side.version == batch.version) {
                word = word.withVersion(batch.version).withAside(side.withdrawnAt != 0);
            }
        } else if (word.version() != batch.version || word.mode() == AccountWordLib.MODE_VOUCHER) {
            return (word, 0);
        }
        (uint256 spendable, uint256 free) = _spendable(word, user, provider);
        payable_ = due < spendable ? due : spendable;
        if (payable_ > free) word = _cancelRefunds(word, user, provider, payable_ - free);
        return (word.withMode(AccountWordLib.MODE_BATCH), payable_);
    }

    /// @dev By the acknowledged signer, or by the one before it, which `_settlingVersion` has found to be
    /// within its time; not once a withdrawn acknowledgement has run out, nor by a batch made before the
    /// sub-account was opened again.
    function _mayBeCharged(AccountWord word, Side memory side, Batch memory batch)
        private
        view
        returns (bool)
    {
        if (side.version == 0 || batch.asOf < side.openedAt) return false;
        if (!_withinWithdrawal(side.withdrawnAt)) return false;
        // After vouchers only a signer acknowledged since: the word has none then.
        if (word.mode() == AccountWordLib.MODE_VOUCHER && word.version() != 0) return false;
        return batch.version == side.version || batch.version == word.version();
    }

    function _payOut(address payee, uint256 amount) internal {
        (bool ok,) = payee.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }

    /* MEMORY-SAFE ASSEMBLY */

    function _load(bytes calldata rows, uint256 offset) internal pure returns (uint256 row) {
        assembly ("memory-safe") {
            row := calldataload(add(rows.offset, offset))
        }
    }

    function _slotOf(mapping(address => AccountWord) storage accounts, uint256 user)
        internal
        pure
        returns (uint256 slot)
    {
        assembly ("memory-safe") {
            mstore(0, user)
            mstore(32, accounts.slot)
            slot := keccak256(0, 64)
        }
    }

    function _read(uint256 slot) internal view returns (AccountWord word) {
        assembly ("memory-safe") {
            word := sload(slot)
        }
    }

    function _write(uint256 slot, AccountWord word) internal {
        assembly ("memory-safe") {
            sstore(slot, word)
        }
    }

    function _logPayer(uint256 user, uint256 paidAndSettled) internal {
        uint256 topic = PAYER_SETTLED;
        assembly ("memory-safe") {
            mstore(0, paidAndSettled)
            log2(0, 32, topic, user)
        }
    }
}
