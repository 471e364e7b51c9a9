// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {ISignerRotation} from "../interfaces/ISignerRotation.sol";
import {AccountWord, AccountWordLib} from "../libraries/AccountWord.sol";
import {RefundQueue} from "../libraries/RefundQueue.sol";
import {ServingCore} from "./ServingCore.sol";

/// @title The state that a serving contract and its desk share, and what both read from it.
/// @dev A serving contract is two pieces of code over one state: the contract itself, which moves money, and
/// its desk, which it creates and calls by `delegatecall` for everything else. No module but this one and
/// those that say so declares state, so both pieces see the same layout.
///
/// A signer has a number (version) per provider: small enough for the account word, and never given to another
/// address.
abstract contract ServingState is ServingCore {
    using EnumerableSet for EnumerableSet.AddressSet;
    using RefundQueue for RefundQueue.Queue;

    /// @dev One word.
    struct Provider {
        address signer;
        uint16 version;
        uint16 lastVersion;
        bool acknowledged;
        uint32 accounts;
        uint24 epoch;
    }

    /// @dev One word; a signer that the provider has now is not retired.
    struct Signer {
        uint16 version;
        uint40 retiredAt;
        uint48 lastNumber;
        bool acknowledged;
        bool revoked;
    }

    /// @dev One word, read on the deployed settlement path and when the account word says "aside".
    struct Side {
        uint112 nonce;
        uint48 generation;
        uint16 version;
        uint40 withdrawnAt;
        uint40 openedAt;
    }

    // slither-disable-start uninitialized-state: contract and desk share it, each writes a part
    mapping(address provider => Provider) internal _providers;
    mapping(address provider => mapping(address signer => Signer)) internal _signers;
    EnumerableSet.AddressSet internal _services;
    mapping(address provider => mapping(address user => AccountWord)) internal _accounts;
    mapping(address provider => mapping(address user => Side)) internal _sides;
    mapping(address provider => mapping(address user => RefundQueue.Queue)) internal _refunds;
    mapping(address provider => mapping(address user => string)) internal _infos;
    mapping(address provider => mapping(uint256 index => address)) internal _users;
    /// @dev Providers that ever had a sub-account.
    address[] internal _accountProviders;
    // slither-disable-end uninitialized-state

    /* EXISTENCE */

    function _hasService(address provider) internal view returns (bool) {
        return _services.contains(provider);
    }

    function _requireService(address provider) internal view returns (Provider storage) {
        if (!_services.contains(provider)) revert ServiceNotExist(provider);
        return _providers[provider];
    }

    function _requireAccount(address user, address provider) internal view returns (AccountWord word) {
        word = _accounts[provider][user];
        if (!word.isOpen()) revert AccountNotExists(user, provider);
    }

    /* ACKNOWLEDGEMENT */

    /// @dev The user acknowledges signer number `version`. The number that raised `settled` stays in the
    /// account word until a statement of the new signer pays; until then the new one lies aside.
    function _acknowledge(AccountWord word, address user, address provider, uint256 version)
        internal
        returns (AccountWord)
    {
        emit ISignerRotation.SignerAcknowledged(
            user, provider, version == 0 ? address(0) : _providers[provider].signer, version
        );
        if (version != 0 && word.mode() == AccountWordLib.MODE_VOUCHER) {
            // Vouchers raised `settled`, no signer did: none is in the word until a batch pays. Vouchers go on
            // until then, so that acknowledging a signer does not void what is signed.
            word = word.withVersion(0);
        } else if (!word.isAside()) {
            if (word.settled() == 0 || word.version() == version) return word.withVersion(version);
        }
        Side storage side = _sides[provider][user];
        side.version = uint16(version); // safe: at most MAX_VERSION
        side.withdrawnAt = 0;
        return word.withAside(true);
    }

    /// @dev The number of the signer that the user acknowledges for new service; zero: none.
    function _acknowledgedVersion(AccountWord word, address user, address provider)
        internal
        view
        returns (uint256)
    {
        if (!word.isAside()) return word.version();
        Side storage side = _sides[provider][user];
        return side.withdrawnAt == 0 ? side.version : 0;
    }

    /// @dev Whether the user acknowledges the signer that the provider has now.
    function _isAcknowledged(AccountWord word, address user, address provider) internal view returns (bool) {
        uint256 version = _acknowledgedVersion(word, user, provider);
        return version != 0 && version == _providers[provider].version;
    }

    /// @dev As `_isAcknowledged`, and for one lock time after the acknowledgement was withdrawn.
    function _isSettleable(AccountWord word, address user, address provider) internal view returns (bool) {
        if (!word.isAside()) return _isAcknowledged(word, user, provider);
        Side storage side = _sides[provider][user];
        return side.version != 0 && side.version == _providers[provider].version
            && _withinWithdrawal(side.withdrawnAt);
    }

    /// @dev The number of a signer that may settle a statement numbered `number` now: the present one, or a
    /// former one within its time and numbers. Zero: none of these.
    function _settlingVersion(address provider, address signer, uint256 number)
        internal
        view
        returns (uint256)
    {
        Provider storage record = _providers[provider];
        if (record.signer == signer && record.acknowledged) return record.version;
        Signer memory entry = _signers[provider][signer];
        bool good = entry.retiredAt != 0 && entry.acknowledged && !entry.revoked && number <= entry.lastNumber
            && block.timestamp <= entry.retiredAt + lockTime;
        return good ? entry.version : 0;
    }

    function _withinWithdrawal(uint256 withdrawnAt) internal view returns (bool) {
        return withdrawnAt == 0 || block.timestamp <= withdrawnAt + lockTime;
    }

    /* REFUNDS */

    /// @return spendable What a settlement may take.
    /// @return free What of it is not asked back.
    function _spendable(AccountWord word, address user, address provider)
        internal
        view
        returns (uint256 spendable, uint256 free)
    {
        uint256 balance = word.balance();
        if (!word.isQueued()) return (balance, balance);
        (uint256 matured, uint256 waiting) = _refunds[provider][user].split(_maturedCutoff());
        spendable = balance - matured;
        free = spendable - waiting;
    }

    function _pendingOf(AccountWord word, address user, address provider)
        internal
        view
        returns (uint256 pending)
    {
        if (!word.isQueued()) return 0;
        (uint256 matured, uint256 waiting) = _refunds[provider][user].split(_maturedCutoff());
        return matured + waiting;
    }
}
