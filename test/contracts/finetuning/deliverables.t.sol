// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IFineTuningTypes} from "../../../contracts/interfaces/IFineTuningTypes.sol";
import {IServingAdditions} from "../../../contracts/interfaces/IServingAdditions.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {Fixture} from "../utils/Fixture.sol";

contract DeliverablesTest is Fixture {
    function setUp() public override {
        super.setUp();
        _fund(alice, provider, FINE_TUNING, 100);
    }

    function test_addDeliverable_Reverts() external {
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IFineTuningTypes.DeliverableIdInvalidLength.selector, 0));
        fineTuning.addDeliverable(alice, "", hex"aa");
        vm.expectRevert(abi.encodeWithSelector(IFineTuningTypes.DeliverableIdInvalidLength.selector, 257));
        fineTuning.addDeliverable(alice, string(new bytes(257)), hex"aa");
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.AccountNotExists.selector, bob, provider));
        fineTuning.addDeliverable(bob, "a", hex"aa");
        vm.expectRevert(abi.encodeWithSelector(IServingAdditions.TextTooLong.selector, 1025, 1024));
        fineTuning.addDeliverable(alice, "a", new bytes(1025));
        fineTuning.addDeliverable(alice, "a", hex"aa");
        vm.expectRevert(abi.encodeWithSelector(IFineTuningTypes.DeliverableAlreadyExists.selector, "a"));
        fineTuning.addDeliverable(alice, "a", hex"aa");
        vm.expectRevert(
            abi.encodeWithSelector(IFineTuningTypes.PreviousDeliverableNotAcknowledged.selector, "a")
        );
        fineTuning.addDeliverable(alice, "b", hex"aa");
    }

    function testFuzz_addDeliverable(bytes calldata id, bytes calldata root) external {
        vm.assume(id.length != 0 && id.length <= 256 && root.length <= 1024);
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.DeliverableAdded(alice, provider, string(id), root, block.timestamp);
        vm.prank(provider);
        fineTuning.addDeliverable(alice, string(id), root);
        IFineTuningTypes.Deliverable memory entry = fineTuning.getDeliverable(alice, provider, string(id));
        assertEq(entry.id, string(id));
        assertEq(entry.modelRootHash, root);
        assertEq(entry.timestamp, block.timestamp);
        assertFalse(entry.acknowledged);
        assertFalse(entry.settled);
        assertEq(_tuning(alice).deliverables.length, 1);
    }

    function testFuzz_addDeliverable_TheRingHoldsTheNewestTwenty(uint256 count) external {
        count = bound(count, 1, 45);
        for (uint256 i; i < count; ++i) {
            _add(vm.toString(i));
            _abandon(vm.toString(i));
        }
        IFineTuningTypes.Deliverable[] memory all = fineTuning.getDeliverables(alice, provider);
        uint256 kept = count < 20 ? count : 20;
        assertEq(all.length, kept);
        for (uint256 i; i < kept; ++i) {
            assertEq(all[i].id, vm.toString(count - kept + i)); // oldest first
        }
        assertEq(_tuning(alice).deliverablesCount, kept);
        assertEq(_tuning(alice).deliverablesHead, count < 20 ? 0 : count % 20);
        if (count > 20) {
            vm.expectRevert(abi.encodeWithSelector(IFineTuningTypes.DeliverableNotExists.selector, "0"));
            fineTuning.getDeliverable(alice, provider, "0");
        }
    }

    function test_addDeliverable_RevertGiven_TheOldestIsNotSettled() external {
        for (uint256 i; i < 20; ++i) {
            _add(vm.toString(i));
            _acknowledge(vm.toString(i));
        }
        vm.expectRevert(
            abi.encodeWithSelector(IFineTuningTypes.CannotEvictUnsettledDeliverable.selector, "0")
        );
        _add("20");
        _abandon("0");
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.DeliverableEvicted(provider, alice, "0", "20", block.timestamp);
        _add("20");
    }

    function test_acknowledgeDeliverable() external {
        vm.expectRevert(abi.encodeWithSelector(IFineTuningTypes.DeliverableNotExists.selector, "a"));
        _acknowledge("a");
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.AccountNotExists.selector, bob, provider));
        vm.prank(bob);
        fineTuning.acknowledgeDeliverable(provider, "a");
        _add("a");
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.DeliverableAcknowledged(alice, provider, "a", block.timestamp);
        _acknowledge("a");
        _acknowledge("a");
        assertTrue(fineTuning.getDeliverable(alice, provider, "a").acknowledged);
        _abandon("a");
        vm.expectRevert(
            abi.encodeWithSelector(IFineTuningTypes.CannotAcknowledgeSettledDeliverable.selector, "a")
        );
        _acknowledge("a");
    }

    function test_abandonDeliverable() external {
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.AccountNotExists.selector, bob, provider));
        fineTuning.abandonDeliverable(bob, "a");
        vm.expectRevert(abi.encodeWithSelector(IFineTuningTypes.DeliverableNotExists.selector, "a"));
        fineTuning.abandonDeliverable(alice, "a");
        vm.stopPrank();
        _add("a");
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.DeliverableAbandoned(alice, provider, "a", block.timestamp);
        _abandon("a");
        assertEq(_tuning(alice).balance, 100);
        vm.expectRevert(
            abi.encodeWithSelector(IFineTuningTypes.CannotAbandonSettledDeliverable.selector, "a")
        );
        _abandon("a");
    }

    /// W-14: leaving costs the same whatever the provider wrote.
    function test_W14_DeletionForgetsAllDeliverablesAtOnce() external {
        for (uint256 i; i < 20; ++i) {
            vm.prank(provider);
            fineTuning.addDeliverable(alice, vm.toString(i), new bytes(1024));
            _abandon(vm.toString(i));
        }
        _retrieve(alice, provider, FINE_TUNING);
        vm.warp(block.timestamp + LOCK);
        _retrieve(alice, provider, FINE_TUNING);
        vm.startPrank(alice);
        uint256 gas = gasleft();
        ledger.refund(100);
        assertLt(gas - gasleft(), 150_000);
        vm.stopPrank();
        _fund(alice, provider, FINE_TUNING, 1);
        assertEq(fineTuning.getDeliverables(alice, provider).length, 0);
        _add("0");
    }

    function _add(string memory id) private {
        vm.prank(provider);
        fineTuning.addDeliverable(alice, id, hex"aa");
    }

    function _acknowledge(string memory id) private {
        vm.prank(alice);
        fineTuning.acknowledgeDeliverable(provider, id);
    }

    function _abandon(string memory id) private {
        vm.prank(provider);
        fineTuning.abandonDeliverable(alice, id);
    }
}
