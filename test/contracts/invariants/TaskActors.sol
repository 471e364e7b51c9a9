// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ITaskEscrow} from "../../../contracts/interfaces/ITaskEscrow.sol";
import {ActorState} from "./ActorState.sol";

/// Fine-tuning tasks with the fee in escrow: opened, delivered, and ended in one of four ways by anyone.
abstract contract TaskActors is ActorState {
    bytes private constant KEY = "a key";

    bytes32[] private _open;

    function openTask(uint256 u, uint256 p, uint256 maxFee, uint256 time, bool replay) external {
        (address user, address who) = (_user(u), _provider(p));
        (address signer,) = fineTuning.signerOf(who);
        ITaskEscrow.TaskOrder memory order = ITaskEscrow.TaskOrder(
            who,
            user,
            signer,
            keccak256("task"),
            uint96(bound(maxFee, 0, 6 ether)),
            uint40(block.timestamp + bound(time, 0, 2 * LOCK)),
            uint40(bound(time / 2, 0, LOCK)),
            uint40(bound(time / 4, 0, LOCK)),
            uint64(++_nonce)
        );
        bytes memory signature = _orderSignature(_userKey(u), order);
        vm.prank(who);
        try fineTuning.openTask(order, signature) returns (bytes32 id) {
            _open.push(id);
            inEscrow[user] += order.maxFee;
        } catch {
            ++refused;
            return;
        }
        if (!replay) return;
        vm.prank(who);
        vm.expectPartialRevert(ITaskEscrow.TaskNotInState.selector);
        fineTuning.openTask(order, signature);
    }

    /// Of what the enclave signed; now and then somebody else signs, or asks for more than the order says.
    function deliverTask(uint256 t, uint256 fee, uint256 how) external {
        if (_open.length == 0) return;
        bytes32 id = _open[t % _open.length];
        ITaskEscrow.Task memory task = fineTuning.taskOf(id);
        fee = bound(fee, 0, how % 8 == 1 ? 2 * uint256(task.maxFee) : task.maxFee);
        uint40 deadline = uint40(block.timestamp + 1);
        uint256 key = how % 8 == 0 ? OTHER_KEY : TEE_KEY;
        bytes memory signature =
            _deliverySignature(key, task.provider, id, keccak256(KEY), uint96(fee), deadline);
        try fineTuning.deliverTask(id, keccak256("root"), keccak256(KEY), uint96(fee), deadline, signature) {
            assertEq(key, TEE_KEY);
            assertLe(fee, task.maxFee);
            signedAway[task.user][task.provider] += fee;
        } catch {
            ++refused;
        }
    }

    function acceptTask(uint256 t, bool byProvider) external {
        if (_open.length == 0) return;
        bytes32 id = _open[t % _open.length];
        ITaskEscrow.Task memory task = fineTuning.taskOf(id);
        vm.prank(byProvider ? task.provider : task.user);
        try fineTuning.acceptTask(id) {
            assertFalse(byProvider);
        } catch {
            ++refused;
        }
    }

    function endTask(uint256 t, uint256 how) external {
        if (_open.length == 0) return;
        _end(t % _open.length, how % 4);
    }

    /// @param how 0 the user rejects, 1 the key is published, 2 another key is, 3 the task is refunded.
    function _end(uint256 index, uint256 how) internal {
        bytes32 id = _open[index];
        ITaskEscrow.Task memory task = fineTuning.taskOf(id);
        (uint256 available, uint256 balance) = (_availableOrZero(task.user), task.provider.balance);
        if (!_tryEnd(id, task.user, how)) {
            ++refused;
            return;
        }
        assertTrue(how != 2, "another key");
        uint256 paid = task.provider.balance - balance;
        assertLe(paid, task.fee);
        assertEq(paid + _availableOrZero(task.user) - available, task.maxFee, "all of the escrow");
        earned[task.user][task.provider] += paid;
        inEscrow[task.user] -= task.maxFee;
        _open[index] = _open[_open.length - 1];
        _open.pop();
    }

    function _tryEnd(bytes32 id, address user, uint256 how) private returns (bool ended) {
        bytes memory call = how == 0
            ? abi.encodeCall(ITaskEscrow.rejectTask, (id))
            : how == 3
                ? abi.encodeCall(ITaskEscrow.refundTask, (id))
                : abi.encodeCall(ITaskEscrow.publishKey, (id, how == 1 ? KEY : bytes("another")));
        vm.prank(user);
        (ended,) = address(fineTuning).call(call);
    }

    function _tasksOpen() internal view returns (uint256) {
        return _open.length;
    }

    /// `makeAddr` makes an address of the hash of its name.
    function _userKey(uint256 seed) private view returns (uint256) {
        return uint256(keccak256(abi.encodePacked("u", vm.toString(seed % users.length))));
    }
}
