// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IBatchSettlement} from "../../../contracts/interfaces/IBatchSettlement.sol";
import {IDisputes} from "../../../contracts/interfaces/IDisputes.sol";
import {IFineTuningServing} from "../../../contracts/interfaces/IFineTuningServing.sol";
import {IInferenceServing} from "../../../contracts/interfaces/IInferenceServing.sol";
import {ILedgerAdditions} from "../../../contracts/interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {ISignerRotation} from "../../../contracts/interfaces/ISignerRotation.sol";
import {IStakes} from "../../../contracts/interfaces/IStakes.sol";
import {IServing} from "../../../contracts/interfaces/IServing.sol";
import {IServingAdditions} from "../../../contracts/interfaces/IServingAdditions.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {IServingDesk} from "../../../contracts/interfaces/IServingDesk.sol";
import {IServingFunds} from "../../../contracts/interfaces/IServingFunds.sol";
import {IVoucherSettlement} from "../../../contracts/interfaces/IVoucherSettlement.sol";
import {ITaskEscrow} from "../../../contracts/interfaces/ITaskEscrow.sol";

// The contracts as the tests see them. The tests import interfaces only, so they compile without the IR
// pipeline, in seconds; the contracts under test are the ones that ship.

interface IOwned {
    function owner() external view returns (address);
    function transferOwnership(address newOwner) external;
    function acceptOwnership() external;
    function renounceOwnership() external;
    function initialized() external view returns (bool);
}

interface Ledger is ILedgerManager, ILedgerAdditions, IOwned {
    function initialize(address owner) external;
    function MIN_ACCOUNT_BALANCE() external view returns (uint256);
    function MIN_TRANSFER_AMOUNT() external view returns (uint256);
}

interface ServingContract is
    IServing,
    IServingFunds,
    IServingCommon,
    IServingAdditions,
    IServingDesk,
    ISignerRotation,
    IOwned
{
    function supportsInterface(bytes4 interfaceId) external view returns (bool);
    function updateLockTime(uint256 lockTime) external;
    function MIN_LOCKTIME() external view returns (uint256);
    function MAX_LOCKTIME() external view returns (uint256);
    function MIN_PROVIDER_STAKE() external view returns (uint256);
}

interface Inference is IInferenceServing, IBatchSettlement, IVoucherSettlement, ServingContract {
    function domainSeparator() external view returns (bytes32);
    function endSigner(address provider, address signer) external;
    function initialize(uint256 lockTime, address ledgerAddress, address owner) external;
}

interface StakesContract is IStakes, IDisputes {}

interface FineTuning is IFineTuningServing, ITaskEscrow, ServingContract {
    function initialize(uint256 lockTime, address ledgerAddress, address owner, uint256 penalty) external;
    function updatePenaltyPercentage(uint256 penalty) external;
    function getServices(uint256 offset, uint256 limit)
        external
        view
        returns (Service[] memory services, uint256 total);
}
