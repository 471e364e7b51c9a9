// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IServingAdditions} from "../interfaces/IServingAdditions.sol";
import {IServingCommon} from "../interfaces/IServingCommon.sol";
import {IStakes} from "../interfaces/IStakes.sol";
import {ServingParameters} from "../interfaces/ServingParameters.sol";

/// @title What is fixed when a serving contract is deployed.
abstract contract ServingCore is
    IServingCommon,
    IServingAdditions,
    Ownable2Step,
    ReentrancyGuardTransient,
    EIP712
{
    uint256 public constant MAX_LOCKTIME = 7 days;
    uint256 internal constant MAX_ADDITIONAL_INFO_LENGTH = 4096;
    bool public constant initialized = true;

    uint256 public immutable MIN_LOCKTIME;
    uint256 public immutable MIN_PROVIDER_STAKE;
    uint256 public immutable lockTime;
    address public immutable ledgerAddress;
    IStakes public immutable stakes;

    modifier onlyLedger() {
        if (msg.sender != ledgerAddress) _refuseCaller();
        _;
    }

    constructor(ServingParameters memory p, string memory name) Ownable(msg.sender) EIP712(name, "1") {
        if (p.lockTime < p.minLockTime || p.lockTime > MAX_LOCKTIME) {
            _refuseLockTime(p.lockTime, p.minLockTime);
        }
        if (p.minProviderStake == 0) revert InsufficientStake(0, 1);
        MIN_LOCKTIME = p.minLockTime;
        MIN_PROVIDER_STAKE = p.minProviderStake;
        lockTime = p.lockTime;
        ledgerAddress = p.ledger;
        stakes = p.stakes;
        _transferOwnership(p.owner);
        emit Initialized(1);
    }

    receive() external payable {
        revert DirectDepositsDisabled();
    }

    /// @notice The lock time never changes.
    function updateLockTime(uint256 _locktime) external {
        revert FixedAtDeployment();
    }

    /// @dev Refunds requested at this time or before have matured.
    function _maturedCutoff() internal view returns (uint256) {
        return block.timestamp > lockTime ? block.timestamp - lockTime : 0;
    }

    function _checkInfo(string memory info) internal pure {
        if (bytes(info).length > MAX_ADDITIONAL_INFO_LENGTH) revert AdditionalInfoTooLong();
    }

    /* ERRORS THAT THE TWO DEPLOYED ABIS SHAPE DIFFERENTLY */

    function _refuseCaller() internal view virtual;

    function _refuseLockTime(uint256 value, uint256 minimum) internal pure virtual;

    function _refuseRefund() internal pure virtual;
}
