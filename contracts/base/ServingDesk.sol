// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {ISignerRotation} from "../interfaces/ISignerRotation.sol";
import {IServingDesk} from "../interfaces/IServingDesk.sol";
import {AccountWord, AccountWordLib} from "../libraries/AccountWord.sol";
import {ServingState} from "./ServingState.sol";

/// @title The desk of a serving contract: services, their signers and stakes, and who acknowledges which signer.
/// @dev Runs by `delegatecall` of the serving contract only: called directly it works on its own empty state.
abstract contract ServingDesk is IServingDesk, ISignerRotation, ServingState {
    using EnumerableSet for EnumerableSet.AddressSet;

    /* ACKNOWLEDGEMENT */

    /// @inheritdoc IServingDesk
    /// @dev A signer is acknowledged by its number: the next one is not.
    function acknowledgeTEESigner(address provider, bool acknowledged) external {
        AccountWord word = _requireAccount(msg.sender, provider);
        uint256 version;
        if (acknowledged) {
            version = _requireService(provider).version;
        } else if (word.balance() != 0 && _acknowledgedVersion(word, msg.sender, provider) != 0) {
            revert CannotRevokeWithNonZeroBalance(msg.sender, provider, word.balance());
        }
        _accounts[provider][msg.sender] = _acknowledge(word, msg.sender, provider, version);
    }

    /// @inheritdoc IServingDesk
    function acknowledgeTEESignerByOwner(address provider) external onlyOwner {
        _acknowledgeForNetwork(provider, _requireService(provider), true);
    }

    /// @inheritdoc IServingDesk
    function revokeTEESignerAcknowledgement(address provider) external onlyOwner {
        _acknowledgeForNetwork(provider, _requireService(provider), false);
    }

    /// @inheritdoc ISignerRotation
    function acknowledgeSigner(address provider, address signer) external onlyOwner {
        Provider storage record = _requireService(provider);
        if (record.signer != signer) revert SignerChanged(signer, record.signer);
        _acknowledgeForNetwork(provider, record, true);
    }

    /// @inheritdoc ISignerRotation
    function withdrawAcknowledgement(address provider) external {
        AccountWord word = _requireAccount(msg.sender, provider);
        Side storage side = _sides[provider][msg.sender];
        if (!word.isAside()) {
            side.version = uint16(word.version()); // safe: 10 bits
            side.withdrawnAt = 0;
            side.openedAt = 0;
            _accounts[provider][msg.sender] = word.withAside(true);
        }
        if (side.withdrawnAt == 0) side.withdrawnAt = uint40(block.timestamp); // safe for 34,000 years
        emit AcknowledgementWithdrawn(msg.sender, provider, side.withdrawnAt + lockTime);
    }

    /* ROTATION */

    /// @inheritdoc ISignerRotation
    function rotateSigner(address signer, uint48 lastNumber) external {
        _requireService(msg.sender);
        _requireStakeNotFrozen();
        _setSigner(msg.sender, signer, lastNumber);
        _acknowledgeWithoutOwner(msg.sender);
    }

    /// @inheritdoc ISignerRotation
    function revokeSigner(address signer) external {
        if (_signers[msg.sender][signer].version == 0) revert SignerUnknown(msg.sender, signer);
        _endSigner(msg.sender, signer);
    }

    /// @inheritdoc ISignerRotation
    function signerRecord(address provider, address signer)
        external
        view
        returns (uint256 version, uint256 retiredAt, uint256 lastNumber, bool revoked)
    {
        Signer storage entry = _signers[provider][signer];
        return (entry.version, entry.retiredAt, entry.lastNumber, entry.revoked);
    }

    /// @inheritdoc ISignerRotation
    function signerOf(address provider) external view returns (address, uint256) {
        return (_providers[provider].signer, _providers[provider].version);
    }

    /* STAKE */

    /// @inheritdoc IServingDesk
    function removeService() external nonReentrant {
        _requireService(msg.sender);
        // slither-disable-next-line unused-return: checked before
        _services.remove(msg.sender);
        _setSigner(msg.sender, address(0), type(uint48).max);
        _clearService(msg.sender);
        // slither-disable-next-line unused-return: the amount is enough
        (uint256 staked,) = stakes.stakeOf(address(this), msg.sender);
        if (staked != 0) stakes.startExit(msg.sender); // none is left after a dispute
        _logServiceRemoved(msg.sender);
    }

    /// @inheritdoc IServingDesk
    function withdrawStake() external nonReentrant {
        uint256 amount = stakes.withdraw(msg.sender);
        emit ProviderStakeReturned(msg.sender, amount);
    }

    /// @dev The stake rules of a registration (`msg.value` is the first stake) and of an update (no value).
    // slither-disable-next-line msg-value-in-nonpayable: addOrUpdateService of both desks is payable
    function _registerStake() internal returns (bool isNew) {
        _requireStakeNotFrozen();
        isNew = _services.add(msg.sender);
        (uint256 staked, uint256 withdrawableAt) = stakes.stakeOf(address(this), msg.sender);
        if (staked != 0 && msg.value != 0) revert CannotAddStakeWhenUpdating();
        if ((isNew || staked == 0) && staked + msg.value < MIN_PROVIDER_STAKE) {
            revert InsufficientStake(staked + msg.value, MIN_PROVIDER_STAKE);
        }
        if (staked == 0) {
            stakes.deposit{value: msg.value}(msg.sender);
            emit ProviderStaked(msg.sender, msg.value);
        } else if (withdrawableAt != 0) {
            stakes.cancelExit(msg.sender);
        }
    }

    /// @dev While claims run, the provider names no signer: the stake that vouches for it may be gone.
    function _requireStakeNotFrozen() private view {
        uint256 until = stakes.frozenUntil(address(this), msg.sender);
        if (until != 0) revert IDisputes.StakeFrozen(until);
    }

    /// @dev See IDisputable.
    function endSigner(address provider, address signer) external {
        if (msg.sender != address(stakes)) revert CallerNotStakes(msg.sender);
        _endSigner(provider, signer);
    }

    function _endSigner(address provider, address signer) private {
        if (_providers[provider].signer == signer) _setSigner(provider, address(0), 0);
        _signers[provider][signer].revoked = true;
        emit SignerRevoked(provider, signer);
    }

    /* INTERNALS */

    function _clearService(address provider) internal virtual;

    function _logServiceRemoved(address provider) internal virtual;

    /// @dev Makes `signer` the provider's; an address keeps the number it once got. The signer before is good
    /// for one lock time, for statements up to `lastNumber`.
    function _setSigner(address provider, address signer, uint48 lastNumber) internal {
        Provider storage record = _providers[provider];
        if (record.signer == signer) return;
        if (record.version != 0) _retire(provider, record, lastNumber);

        uint16 version = signer == address(0) ? 0 : _versionFor(provider, record, signer);
        record.signer = signer;
        record.version = version;
        record.acknowledged = false;
        emit SignerRotated(provider, signer, version);
    }

    function _retire(address provider, Provider storage record, uint48 lastNumber) private {
        address signer = record.signer;
        Signer storage entry = _signers[provider][signer];
        entry.retiredAt = uint40(block.timestamp); // safe for 34,000 years
        entry.lastNumber = lastNumber;
        entry.acknowledged = record.acknowledged;
        emit SignerRetired(provider, signer, lastNumber, block.timestamp + lockTime);
    }

    function _versionFor(address provider, Provider storage record, address signer)
        private
        returns (uint16 version)
    {
        Signer storage entry = _signers[provider][signer];
        if (entry.revoked) revert SignerIsRevoked(signer);
        version = entry.version;
        if (version != 0) {
            entry.retiredAt = 0;
            return version;
        }
        version = record.lastVersion + 1;
        if (version > AccountWordLib.MAX_VERSION) {
            revert TooManySigners(provider, AccountWordLib.MAX_VERSION);
        }
        record.lastVersion = version;
        entry.version = version;
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
}
