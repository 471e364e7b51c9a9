// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IStakes} from "../interfaces/IStakes.sol";

/// @title The stakes of providers: put in, added to, and taken out after a delay.
/// @dev Storage: `_stakes[service][provider]` is one word, amount 128, withdrawable from 64, claim window 64.
abstract contract StakeVault is IStakes, ReentrancyGuardTransient {
    using SafeCast for uint256;

    struct Stake {
        uint128 amount;
        uint64 withdrawableAt;
        uint64 window;
    }

    uint256 public immutable exitDelay;

    mapping(address service => mapping(address provider => Stake)) internal _stakes;

    /// @param exitDelaySeconds Seconds between the start of an exit and the withdrawal; also a claim window.
    constructor(uint256 exitDelaySeconds) {
        exitDelay = exitDelaySeconds;
    }

    /// @inheritdoc IStakes
    function stakeOf(address service, address provider) external view returns (uint256, uint256) {
        Stake storage stake = _stakes[service][provider];
        return (stake.amount, stake.withdrawableAt);
    }

    /// @inheritdoc IStakes
    function frozenUntil(address service, address provider) public view virtual returns (uint256);

    /// @inheritdoc IStakes
    function deposit(address provider) external payable {
        _add(msg.sender, provider);
    }

    /// @inheritdoc IStakes
    function topUp(address service, address provider) external payable {
        _existing(service, provider);
        _add(service, provider);
    }

    /// @inheritdoc IStakes
    function startExit(address provider) external {
        Stake storage stake = _existing(msg.sender, provider);
        uint64 withdrawableAt = (block.timestamp + exitDelay).toUint64();
        stake.withdrawableAt = withdrawableAt;
        emit ExitStarted(msg.sender, provider, withdrawableAt);
    }

    /// @inheritdoc IStakes
    function cancelExit(address provider) external {
        Stake storage stake = _existing(msg.sender, provider);
        if (stake.withdrawableAt == 0) revert NotExiting(msg.sender, provider);
        stake.withdrawableAt = 0;
        emit ExitCancelled(msg.sender, provider);
    }

    /// @inheritdoc IStakes
    function withdraw(address provider) external nonReentrant returns (uint256 amount) {
        Stake storage stake = _existing(msg.sender, provider);
        _requireNotFrozen(msg.sender, provider);
        if (stake.withdrawableAt == 0) revert NotExiting(msg.sender, provider);
        if (block.timestamp < stake.withdrawableAt) {
            revert ExitNotOver(block.timestamp, stake.withdrawableAt);
        }

        amount = stake.amount;
        stake.amount = 0;
        stake.withdrawableAt = 0;
        emit StakeWithdrawn(msg.sender, provider, amount);
        _send(provider, amount);
    }

    /* INTERNALS */

    function _existing(address service, address provider) internal view returns (Stake storage stake) {
        stake = _stakes[service][provider];
        if (stake.amount == 0) revert NoStake(service, provider);
    }

    function _requireNotFrozen(address service, address provider) internal view {
        uint256 until = frozenUntil(service, provider);
        if (until != 0) revert IDisputes.StakeFrozen(until);
    }

    /// @dev A frozen stake takes no more: it would only be burned.
    function _add(address service, address provider) private {
        _requireNotFrozen(service, provider);
        Stake storage stake = _stakes[service][provider];
        uint256 total = stake.amount + msg.value;
        stake.amount = total.toUint128();
        emit StakeAdded(service, provider, msg.value, total);
    }

    function _send(address to, uint256 amount) internal {
        if (amount == 0) return;
        // slither-disable-next-line arbitrary-send-eth: a stake to its provider, a claim to its payer
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert StakeTransferFailed(to, amount);
    }
}
