// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IStakes} from "./interfaces/IStakes.sol";

/// @title The stakes of providers.
/// @dev Storage: `_stakes[service][provider]` is one word: amount 128, withdrawable from 64. The contract
/// holds exactly their sum.
contract Stakes is IStakes {
    using SafeCast for uint256;

    struct Stake {
        uint128 amount;
        uint64 withdrawableAt;
    }

    uint256 public immutable exitDelay;

    mapping(address service => mapping(address provider => Stake)) private _stakes;

    /// @param exitDelaySeconds Seconds between the start of an exit and the withdrawal.
    constructor(uint256 exitDelaySeconds) {
        exitDelay = exitDelaySeconds;
    }

    /// @inheritdoc IStakes
    function stakeOf(address service, address provider) external view returns (uint256, uint256) {
        Stake storage stake = _stakes[service][provider];
        return (stake.amount, stake.withdrawableAt);
    }

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
    function withdraw(address provider) external returns (uint256 amount) {
        Stake memory stake = _existing(msg.sender, provider);
        if (stake.withdrawableAt == 0) revert NotExiting(msg.sender, provider);
        if (block.timestamp < stake.withdrawableAt) {
            revert ExitNotOver(block.timestamp, stake.withdrawableAt);
        }

        delete _stakes[msg.sender][provider];
        amount = stake.amount;
        emit StakeWithdrawn(msg.sender, provider, amount);

        (bool ok,) = provider.call{value: amount}("");
        if (!ok) revert StakeTransferFailed(provider, amount);
    }

    function _existing(address service, address provider) private view returns (Stake storage stake) {
        stake = _stakes[service][provider];
        if (stake.amount == 0) revert NoStake(service, provider);
    }

    function _add(address service, address provider) private {
        Stake storage stake = _stakes[service][provider];
        uint256 total = stake.amount + msg.value;
        stake.amount = total.toUint128();
        emit StakeAdded(service, provider, msg.value, total);
    }
}
