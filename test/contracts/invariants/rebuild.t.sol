// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {Vm} from "forge-std/Vm.sol";

import {IBatchSettlement} from "../../../contracts/interfaces/IBatchSettlement.sol";
import {ILedgerAdditions} from "../../../contracts/interfaces/ILedgerAdditions.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {IServingFunds} from "../../../contracts/interfaces/IServingFunds.sol";
import {IStakes} from "../../../contracts/interfaces/IStakes.sol";
import {ITaskEscrow} from "../../../contracts/interfaces/ITaskEscrow.sol";
import {IVoucherSettlement} from "../../../contracts/interfaces/IVoucherSettlement.sol";
import {Actors} from "./Actors.sol";

/// W-23: every movement of money is logged. This reads logs as an indexer would, and nothing else.
contract RebuildTest is Test {
    mapping(address user => uint256) private available;
    mapping(address service => mapping(address user => mapping(address provider => uint256))) private
        balances;
    mapping(address service => mapping(address provider => uint256)) private stakes;
    mapping(address user => mapping(address provider => uint256)) private settled;
    mapping(address user => uint256) private escrow;
    mapping(bytes32 order => address user) private taskOf;

    Vm.Log[] private pending; // `PayerSettled` logs waiting for their `BatchSettled`

    /// forge-config: default.fuzz.runs = 48
    /// forge-config: long.fuzz.runs = 10000
    function testFuzz_W23_LogsRebuildEveryBalance(uint256 seed) external {
        Actors actors = new Actors();
        vm.recordLogs();
        actors.setUp();
        (address ledger, address inference, address fineTuning, address stakesAddress) = actors.addresses();
        _read(ledger, inference, fineTuning, stakesAddress);
        for (uint256 i; i < 40; ++i) {
            uint256 refused = actors.refused();
            actors.act(uint256(keccak256(abi.encode(seed, i))));
            if (actors.refused() == refused) _read(ledger, inference, fineTuning, stakesAddress);
            else vm.getRecordedLogs(); // what reverted never was
        }

        for (uint256 i; i < 4; ++i) {
            address user = actors.users(i);
            assertEq(available[user], actors.availableOf(user), "available");
            assertEq(escrow[user], actors.inEscrow(user), "escrow");
            for (uint256 j; j < 2; ++j) {
                _compare(inference, user, actors.providers(j));
                _compare(fineTuning, user, actors.providers(j));
                uint256 onChain = actors.settledBy(user, actors.providers(j));
                assertEq(settled[user][actors.providers(j)], onChain, "settled");
            }
        }
        for (uint256 j; j < 2; ++j) {
            _compareStake(IStakes(stakesAddress), inference, actors.providers(j));
            _compareStake(IStakes(stakesAddress), fineTuning, actors.providers(j));
        }
    }

    function _read(address ledger, address inference, address fineTuning, address stakesAddress) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            address emitter = logs[i].emitter;
            if (emitter == ledger) _readLedger(logs[i]);
            else if (emitter == stakesAddress) _readStakes(logs[i]);
            else if (emitter == inference || emitter == fineTuning) _readServing(logs[i]);
        }
    }

    function _compare(address service, address user, address provider) private view {
        address[] memory one = new address[](1);
        one[0] = provider;
        assertEq(balances[service][user][provider], IServingFunds(service).balancesOf(user, one), "balance");
    }

    function _compareStake(IStakes stakesContract, address service, address provider) private view {
        (uint256 stake,) = stakesContract.stakeOf(service, provider);
        assertEq(stakes[service][provider], stake, "stake");
    }

    function _readLedger(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (
            kind != ILedgerAdditions.Deposited.selector && kind != ILedgerAdditions.Withdrawn.selector
                && kind != ILedgerAdditions.Transferred.selector
                && kind != ILedgerAdditions.Retrieved.selector
        ) return;
        address user = _address(log.topics[1]);
        uint256 amount = abi.decode(log.data, (uint256));
        bool comesIn =
            kind == ILedgerAdditions.Deposited.selector || kind == ILedgerAdditions.Retrieved.selector;
        if (comesIn) available[user] += amount;
        else available[user] -= amount;
    }

    function _readStakes(Vm.Log memory log) private {
        if (log.topics[0] == IStakes.StakeAdded.selector) {
            (, uint256 total) = abi.decode(log.data, (uint256, uint256));
            stakes[_address(log.topics[1])][_address(log.topics[2])] = total;
        } else if (log.topics[0] == IStakes.StakeWithdrawn.selector) {
            stakes[_address(log.topics[1])][_address(log.topics[2])] = 0;
        }
    }

    function _readServing(Vm.Log memory log) private {
        if (log.topics[0] == IServingCommon.BalanceUpdated.selector) {
            (uint256 balance,) = abi.decode(log.data, (uint256, uint256));
            balances[log.emitter][_address(log.topics[1])][_address(log.topics[2])] = balance;
        } else if (log.topics[0] == IBatchSettlement.PayerSettled.selector) {
            pending.push(log);
        } else if (
            log.topics[0] == IBatchSettlement.BatchSettled.selector
                || log.topics[0] == IVoucherSettlement.VouchersSettled.selector
        ) {
            _readBatch(log.emitter, _address(log.topics[1]));
        } else if (log.topics[0] == ITaskEscrow.TaskOpened.selector) {
            address user = _address(log.topics[2]);
            taskOf[log.topics[1]] = user;
            escrow[user] += abi.decode(log.data, (uint256));
        } else if (log.topics[0] == ITaskEscrow.TaskEnded.selector) {
            (, uint256 paid, uint256 returned) = abi.decode(log.data, (uint256, uint256, uint256));
            escrow[taskOf[log.topics[1]]] -= paid + returned;
        }
    }

    function _readBatch(address service, address provider) private {
        for (uint256 i; i < pending.length; ++i) {
            uint256 paidAndSettled = abi.decode(pending[i].data, (uint256));
            address user = _address(pending[i].topics[1]);
            balances[service][user][provider] -= paidAndSettled >> 128;
            settled[user][provider] = uint128(paidAndSettled);
        }
        delete pending;
    }

    function _address(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }
}
