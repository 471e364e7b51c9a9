// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IBatchSettlement} from "../../contracts/interfaces/IBatchSettlement.sol";
import {IDisputes} from "../../contracts/interfaces/IDisputes.sol";
import {ILedgerAdditions} from "../../contracts/interfaces/ILedgerAdditions.sol";
import {IServing} from "../../contracts/interfaces/IServing.sol";
import {IServingFunds} from "../../contracts/interfaces/IServingFunds.sol";
import {ISignerRotation} from "../../contracts/interfaces/ISignerRotation.sol";
import {IStakes} from "../../contracts/interfaces/IStakes.sol";
import {ITaskEscrow} from "../../contracts/interfaces/ITaskEscrow.sol";
import {IVoucherSettlement} from "../../contracts/interfaces/IVoucherSettlement.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Fixture} from "./utils/Fixture.sol";

/// Frozen: clients and brokers ask for these ids.
contract InterfaceIdsTest is Fixture {
    function test_TheIdsAreFrozen() external view {
        _check(address(inference), type(IServing).interfaceId, 0x160841b1);
        _check(address(fineTuning), type(IServing).interfaceId, 0x160841b1);
        _check(address(inference), type(IServingFunds).interfaceId, 0x9c6ddf91);
        _check(address(inference), type(ISignerRotation).interfaceId, 0xd9b6957a);
        _check(address(inference), type(IBatchSettlement).interfaceId, 0x1c7ee00d);
        _check(address(inference), type(IVoucherSettlement).interfaceId, 0xf8382731);
        _check(address(fineTuning), type(ITaskEscrow).interfaceId, 0x36fa3123);
        _check(address(ledger), type(ILedgerAdditions).interfaceId, 0x9b9e271b);
        _check(address(stakes), type(IStakes).interfaceId, 0x009ccc6a);
        _check(address(stakes), type(IDisputes).interfaceId, 0xed342624);
    }

    function _check(address target, bytes4 actual, bytes4 frozen) private view {
        assertEq(bytes32(actual), bytes32(frozen));
        assertTrue(IERC165(target).supportsInterface(frozen));
        assertTrue(IERC165(target).supportsInterface(0x01ffc9a7));
        assertFalse(IERC165(target).supportsInterface(0xffffffff));
    }
}
