// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {AccountWord, AccountWordLib} from "../libraries/AccountWord.sol";
import {ServingCore} from "./ServingCore.sol";

/// @title Services, their signers and stakes, and who acknowledges which signer.
/// @dev A signer has a number (version) per provider: small enough for the account word, and never given to
/// another address.
abstract contract ServingSigners is ServingCore {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @dev One word.
    struct Provider {
        address signer;
        uint16 version;
        uint16 lastVersion;
        bool acknowledged;
        uint32 accounts;
        uint24 epoch;
    }

    /// @dev One word, read on the deployed settlement path and when the account word says "aside".
    struct Side {
        uint112 nonce;
        uint48 generation;
        uint16 version;
        uint40 withdrawnAt;
        uint40 openedAt;
    }

    mapping(address provider => Provider) internal _providers;
    mapping(address provider => mapping(address signer => uint16 version)) internal _versions;
    EnumerableSet.AddressSet internal _services;
    mapping(address provider => mapping(address user => AccountWord)) internal _accounts;
    mapping(address provider => mapping(address user => Side)) internal _sides;

    /* ACKNOWLEDGEMENT */

    /// @dev See IServingCommon. A signer is acknowledged by its number: the next one is not.
    function acknowledgeTEESigner(address provider, bool acknowledged) external {
        AccountWord word = _requireAccount(msg.sender, provider);
        uint256 version;
        if (acknowledged) {
            version = _requireService(provider).version;
        } else if (word.balance() != 0 && _isAcknowledged(word, msg.sender, provider)) {
            revert CannotRevokeWithNonZeroBalance(msg.sender, provider, word.balance());
        }
        _accounts[provider][msg.sender] = _acknowledge(word, msg.sender, provider, version);
    }

    /// @dev See IServingCommon.
    function acknowledgeTEESignerByOwner(address provider) external onlyOwner {
        _acknowledgeForNetwork(provider, _requireService(provider), true);
    }

    /// @dev See IServingCommon.
    function revokeTEESignerAcknowledgement(address provider) external onlyOwner {
        _acknowledgeForNetwork(provider, _requireService(provider), false);
    }

    /// @dev See IServingAdditions.
    function signerOf(address provider) external view returns (address, uint256) {
        return (_providers[provider].signer, _providers[provider].version);
    }

    /* STAKE */

    /// @dev See IServingCommon.
    function removeService() external nonReentrant {
        _requireService(msg.sender);
        _services.remove(msg.sender);
        _setSigner(msg.sender, address(0));
        _clearService(msg.sender);
        stakes.startExit(msg.sender);
        _logServiceRemoved(msg.sender);
    }

    /// @dev See IServingAdditions.
    function withdrawStake() external nonReentrant {
        uint256 amount = stakes.withdraw(msg.sender);
        emit ProviderStakeReturned(msg.sender, amount);
    }

    /// @dev The stake rules of a registration (`msg.value` is the first stake) and of an update (no value).
    function _registerStake() internal returns (bool isNew) {
        isNew = _services.add(msg.sender);
        (uint256 staked, uint256 withdrawableAt) = stakes.stakeOf(address(this), msg.sender);
        if (staked != 0 && msg.value != 0) revert CannotAddStakeWhenUpdating();
        if (isNew && staked + msg.value < MIN_PROVIDER_STAKE) {
            revert InsufficientStake(staked + msg.value, MIN_PROVIDER_STAKE);
        }
        if (staked == 0) {
            stakes.deposit{value: msg.value}(msg.sender);
            emit ProviderStaked(msg.sender, msg.value);
        } else if (withdrawableAt != 0) {
            stakes.cancelExit(msg.sender);
        }
    }

    /* INTERNALS */

    function _clearService(address provider) internal virtual;

    function _logServiceRemoved(address provider) internal virtual;

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

    /// @dev Makes `signer` the provider's; an address keeps the number it once got.
    function _setSigner(address provider, address signer) internal {
        Provider storage record = _providers[provider];
        if (record.signer == signer) return;
        uint16 version;
        if (signer != address(0)) {
            version = _versions[provider][signer];
            if (version == 0) version = _nextVersion(provider, record, signer);
        }
        record.signer = signer;
        record.version = version;
        record.acknowledged = false;
        emit SignerRotated(provider, signer, version);
    }

    function _nextVersion(address provider, Provider storage record, address signer)
        private
        returns (uint16 version)
    {
        version = record.lastVersion + 1;
        if (version > AccountWordLib.MAX_VERSION) {
            revert TooManySigners(provider, AccountWordLib.MAX_VERSION);
        }
        record.lastVersion = version;
        _versions[provider][signer] = version;
    }

    /// @dev Without an owner every registered signer counts as acknowledged by the network.
    function _acknowledgeWithoutOwner(address provider) internal {
        Provider storage record = _providers[provider];
        if (owner() == address(0) && !record.acknowledged && record.version != 0) {
            _acknowledgeForNetwork(provider, record, true);
        }
    }

    function _acknowledgeForNetwork(address provider, Provider storage record, bool acknowledged) private {
        record.acknowledged = acknowledged;
        emit ProviderTEESignerAcknowledged(provider, record.signer, acknowledged);
    }

    /// @dev The user acknowledges signer number `version`. The number that raised `settled` stays in the
    /// account word until a statement of the new signer pays; until then the new one lies aside.
    function _acknowledge(AccountWord word, address user, address provider, uint256 version)
        internal
        returns (AccountWord)
    {
        emit SignerAcknowledged(
            user, provider, version == 0 ? address(0) : _providers[provider].signer, version
        );
        if (!word.isAside()) {
            if (word.settled() == 0 || word.version() == version) return word.withVersion(version);
        }
        Side storage side = _sides[provider][user];
        side.version = uint16(version); // safe: at most MAX_VERSION
        side.withdrawnAt = 0;
        return word.withAside(true);
    }

    /// @dev Whether the user acknowledges the signer that the provider has now.
    function _isAcknowledged(AccountWord word, address user, address provider) internal view returns (bool) {
        uint256 version = word.isAside() ? _sides[provider][user].version : word.version();
        return version != 0 && version == _providers[provider].version;
    }
}
