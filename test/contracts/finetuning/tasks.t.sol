// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ITaskEscrow} from "../../../contracts/interfaces/ITaskEscrow.sol";
import {IServingAdditions} from "../../../contracts/interfaces/IServingAdditions.sol";
import {SignedTasks} from "../utils/SignedTasks.sol";

contract TasksTest is SignedTasks {
    uint256 private constant USER_KEY = 0xa11;
    address private user = vm.addr(USER_KEY);
    bytes private key = "the key, encrypted to the user";
    ITaskEscrow.TaskOrder private order;

    function setUp() public override {
        super.setUp();
        _fund(user, provider, FINE_TUNING, 100);
        order = ITaskEscrow.TaskOrder(
            provider, user, tee, keccak256("task"), 80, uint40(block.timestamp + 1 hours), 1 days, 1 hours, 1
        );
    }

    /* OPENING */

    function test_openTask_RevertWhen_TheOrderIsNotGood() external {
        bytes memory signature = _signOrder(USER_KEY);
        vm.expectRevert(abi.encodeWithSelector(ITaskEscrow.TaskCallerInvalid.selector, bob, provider));
        vm.prank(bob);
        fineTuning.openTask(order, signature);

        order.ackWindow = 30 days + 1;
        _expectOpenReverts(
            abi.encodeWithSelector(ITaskEscrow.TaskWindowTooLong.selector, 30 days + 1, 30 days)
        );
        order.ackWindow = 1 days;
        order.signer = bob;
        _expectOpenReverts(abi.encodeWithSelector(ITaskEscrow.TaskSignerInvalid.selector, bob));
        order.signer = tee;
        order.trainBy = uint40(block.timestamp - 1);
        _expectOpenReverts(
            abi.encodeWithSelector(ITaskEscrow.TaskTooLate.selector, block.timestamp, order.trainBy)
        );
        order.trainBy = uint40(block.timestamp + 1 hours);
        order.maxFee = 101;
        _expectOpenReverts(abi.encodeWithSelector(IServingAdditions.NotEnoughToRefund.selector, 100, 101));
    }

    function testFuzz_openTask_RevertWhen_AnyFieldDiffers(uint256 field) external {
        bytes memory signature = _signOrder(USER_KEY);
        field = bound(field, 0, 5);
        if (field == 0) order.task = keccak256("another");
        if (field == 1) order.maxFee -= 1;
        if (field == 2) order.trainBy += 1;
        if (field == 3) order.ackWindow -= 1;
        if (field == 4) order.revealWindow += 1;
        if (field == 5) order.nonce += 1;
        vm.expectPartialRevert(ITaskEscrow.TaskSignatureInvalid.selector);
        vm.prank(provider);
        fineTuning.openTask(order, signature);
    }

    function test_openTask_TakesTheMostIntoEscrow_Once() external {
        bytes32 id = _open();
        assertEq(_tuning(user).balance, 20);
        assertEq(address(fineTuning).balance, 100);
        ITaskEscrow.Task memory task = fineTuning.taskOf(id);
        assertEq(task.user, user);
        assertEq(task.provider, provider);
        assertEq(task.maxFee, 80);
        assertEq(uint256(task.state), uint256(ITaskEscrow.TaskState.Open));
        _expectOpenReverts(
            abi.encodeWithSelector(ITaskEscrow.TaskNotInState.selector, id, ITaskEscrow.TaskState.Open)
        );
    }

    /* DELIVERY */

    function test_deliverTask_Reverts() external {
        bytes32 id = _open();
        bytes memory signature = _signDelivery(OTHER_KEY, id, 60, order.trainBy);
        vm.expectPartialRevert(ITaskEscrow.TaskSignatureInvalid.selector);
        _send(id, 60, order.trainBy, signature);
        signature = _signDelivery(TEE_KEY, id, 60, order.trainBy);
        vm.expectPartialRevert(ITaskEscrow.TaskSignatureInvalid.selector);
        _send(id, 61, order.trainBy, signature);
        vm.expectRevert(abi.encodeWithSelector(ITaskEscrow.TaskFeeTooHigh.selector, 81, 80));
        _send(id, 81, order.trainBy, signature);
        vm.expectRevert(
            abi.encodeWithSelector(ITaskEscrow.TaskTooLate.selector, block.timestamp, block.timestamp - 1)
        );
        _send(id, 60, uint40(block.timestamp - 1), signature);
        vm.warp(uint256(order.trainBy) + 1);
        vm.expectPartialRevert(ITaskEscrow.TaskTooLate.selector);
        _send(id, 60, order.trainBy + 9, _signDelivery(TEE_KEY, id, 60, order.trainBy + 9));
    }

    function test_deliverTask_RevertGiven_TheSignerIsRevoked() external {
        bytes32 id = _open();
        vm.prank(provider);
        fineTuning.revokeSigner(tee);
        bytes memory signature = _signDelivery(TEE_KEY, id, 60, order.trainBy);
        vm.expectRevert(abi.encodeWithSelector(ITaskEscrow.TaskSignerInvalid.selector, tee));
        _send(id, 60, order.trainBy, signature);
    }

    /* ENDS */

    function test_End_NotDelivered() external {
        bytes32 id = _open();
        vm.expectPartialRevert(ITaskEscrow.TaskTooEarly.selector);
        fineTuning.refundTask(id);
        vm.warp(uint256(order.trainBy) + 1);
        vm.expectEmit(address(fineTuning));
        emit ITaskEscrow.TaskEnded(id, ITaskEscrow.TaskEnd.NotDelivered, 0, 80);
        fineTuning.refundTask(id);
        _assertEnded(id, 0, 80);
    }

    function testFuzz_End_Paid(uint96 fee, bool accepted, uint256 wait) external {
        fee = uint96(bound(fee, 0, 80));
        bytes32 id = _deliver(fee);
        uint256 rejectBy = block.timestamp + order.ackWindow;
        if (accepted) {
            vm.expectPartialRevert(ITaskEscrow.TaskCallerInvalid.selector);
            fineTuning.acceptTask(id);
            vm.prank(user);
            fineTuning.acceptTask(id);
            wait = bound(wait, 0, uint256(order.ackWindow) + order.revealWindow);
        } else {
            vm.expectPartialRevert(ITaskEscrow.TaskTooEarly.selector);
            fineTuning.publishKey(id, key);
            wait = bound(wait, uint256(order.ackWindow) + 1, uint256(order.ackWindow) + order.revealWindow);
        }
        vm.warp(rejectBy - order.ackWindow + wait);
        vm.expectPartialRevert(ITaskEscrow.TaskKeyMismatch.selector);
        fineTuning.publishKey(id, "another");
        vm.expectEmit(address(fineTuning));
        emit ITaskEscrow.TaskKeyPublished(id, key);
        uint256 before = provider.balance;
        fineTuning.publishKey(id, key);
        assertEq(provider.balance, before + fee);
        _assertEnded(id, fee, 80 - fee);
    }

    function testFuzz_End_NotRevealed(bool accepted) external {
        bytes32 id = _deliver(60);
        if (accepted) {
            vm.prank(user);
            fineTuning.acceptTask(id);
        }
        vm.warp(block.timestamp + order.ackWindow + order.revealWindow);
        vm.expectPartialRevert(ITaskEscrow.TaskTooEarly.selector);
        fineTuning.refundTask(id);
        vm.warp(block.timestamp + 1);
        vm.expectPartialRevert(ITaskEscrow.TaskTooLate.selector);
        fineTuning.publishKey(id, key);
        fineTuning.refundTask(id);
        _assertEnded(id, 0, 80);
    }

    function testFuzz_End_Rejected(uint96 fee) external {
        fee = uint96(bound(fee, 0, 80));
        bytes32 id = _deliver(fee);
        vm.expectPartialRevert(ITaskEscrow.TaskCallerInvalid.selector);
        fineTuning.rejectTask(id);
        uint256 before = provider.balance;
        vm.prank(user);
        fineTuning.rejectTask(id);
        uint256 penalty = fee * PENALTY / 100;
        assertEq(provider.balance, before + penalty);
        _assertEnded(id, penalty, 80 - penalty);
    }

    function test_rejectTask_RevertWhen_Late_OrAccepted() external {
        bytes32 id = _deliver(60);
        uint256 rejectBy = block.timestamp + order.ackWindow;
        vm.warp(rejectBy + 1);
        vm.prank(user);
        vm.expectRevert(abi.encodeWithSelector(ITaskEscrow.TaskTooLate.selector, rejectBy + 1, rejectBy));
        fineTuning.rejectTask(id);
        vm.startPrank(user);
        fineTuning.acceptTask(id);
        vm.expectPartialRevert(ITaskEscrow.TaskNotInState.selector);
        fineTuning.rejectTask(id);
    }

    /// W-06: the user may leave with everything else: the escrow stays, and what is due comes back.
    function test_W06_TheEscrowIsOutOfReach() external {
        bytes32 id = _open();
        vm.prank(user);
        ledger.leave();
        vm.warp(block.timestamp + LOCK);
        vm.prank(user);
        ledger.leave();
        assertEq(address(fineTuning).balance, 80);
        fineTuning.refundTask(id);
        assertEq(_available(user), 80);
    }

    function test_publishKey_RevertWhen_ThePaymentIsRefused() external {
        bytes32 id = _deliver(60);
        vm.prank(user);
        fineTuning.acceptTask(id);
        vm.etch(provider, hex"60006000fd");
        vm.expectRevert();
        fineTuning.publishKey(id, key);
    }

    /* HELPERS */

    function _assertEnded(bytes32 id, uint256 paid, uint256 returned) private {
        assertEq(_available(user), returned);
        assertEq(address(fineTuning).balance, 20);
        assertEq(paid + returned, 80);
        vm.expectPartialRevert(ITaskEscrow.TaskNotInState.selector);
        fineTuning.refundTask(id);
        vm.expectPartialRevert(ITaskEscrow.TaskNotInState.selector);
        fineTuning.publishKey(id, key);
        vm.expectPartialRevert(ITaskEscrow.TaskNotInState.selector);
        _send(id, 60, order.trainBy, "");
        vm.startPrank(user);
        vm.expectPartialRevert(ITaskEscrow.TaskNotInState.selector);
        fineTuning.rejectTask(id);
        vm.expectPartialRevert(ITaskEscrow.TaskNotInState.selector);
        fineTuning.acceptTask(id);
        vm.stopPrank();
    }

    function _open() private returns (bytes32 id) {
        bytes memory signature = _signOrder(USER_KEY);
        vm.prank(provider);
        id = fineTuning.openTask(order, signature);
        assertEq(id, _orderHash(order));
    }

    function _deliver(uint96 fee) private returns (bytes32 id) {
        id = _open();
        bytes memory signature = _signDelivery(TEE_KEY, id, fee, order.trainBy);
        vm.expectEmit(address(fineTuning));
        emit ITaskEscrow.TaskDelivered(
            id, keccak256("root"), keccak256(key), fee, block.timestamp + order.ackWindow
        );
        _send(id, fee, order.trainBy, signature);
    }

    function _send(bytes32 id, uint96 fee, uint40 deadline, bytes memory signature) private {
        fineTuning.deliverTask(id, keccak256("root"), keccak256(key), fee, deadline, signature);
    }

    function _expectOpenReverts(bytes memory reason) private {
        bytes memory signature = _signOrder(USER_KEY);
        vm.expectRevert(reason);
        vm.prank(provider);
        fineTuning.openTask(order, signature);
    }

    function _signOrder(uint256 signingKey) private view returns (bytes memory) {
        return _orderSignature(signingKey, order);
    }

    function _signDelivery(uint256 signingKey, bytes32 id, uint96 fee, uint40 deadline)
        private
        view
        returns (bytes memory)
    {
        return _deliverySignature(signingKey, provider, id, keccak256(key), fee, deadline);
    }
}
