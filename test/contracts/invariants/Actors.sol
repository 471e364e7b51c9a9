// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ProviderActors} from "./ProviderActors.sol";
import {TaskActors} from "./TaskActors.sol";
import {UserActors} from "./UserActors.sol";
import {VoucherActors} from "./VoucherActors.sol";

/// Users and providers that do anything in any order. Each action is one that somebody could take; what would
/// revert is caught, so a run goes on.
contract Actors is UserActors, ProviderActors, VoucherActors, TaskActors {
    function pass(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 2 * LOCK));
    }

    /// One action, chosen by `seed`: for tests that make their own sequences.
    function act(uint256 seed) external {
        uint256 a = uint256(keccak256(abi.encode(seed, 1)));
        uint256 b = uint256(keccak256(abi.encode(seed, 2)));
        uint256 c = uint256(keccak256(abi.encode(seed, 3)));
        bool flag = c % 2 == 0;
        uint256 choice = seed % 19;
        if (choice == 0) this.deposit(a, b, c);
        else if (choice == 1) this.transfer(a, b, flag, c);
        else if (choice == 2) this.requestPart(a, b, c);
        else if (choice == 3) this.retrieve(a, flag);
        else if (choice == 4) this.refund(a, b, flag);
        else if (choice == 5) this.settle(a, b, c, flag);
        else if (choice == 6) this.deliver(a, b, c, flag);
        else if (choice == 7) this.onboard(a, b, flag, c, a);
        else if (choice == 8) this.leave(a);
        else if (choice == 9) this.settleBatch(a, b, c, 0, flag);
        else if (choice == 10) this.pass(a);
        else if (choice == 11) this.delegate(a, b, c, a, c / 4);
        else if (choice == 12) this.claim(a, b, c, a, c / 2);
        else if (choice == 13) this.serve(a, flag, c % 3 == 0);
        else if (choice == 14) this.openTask(a, b, c, a, flag);
        else if (choice == 15) this.deliverTask(a, b, c / 2);
        else if (choice == 16) this.acceptTask(a, c % 4 == 0);
        else if (choice == 17) this.endTask(a, b);
        else this.onboard(a, b, false, c, c / 2);
    }

    /// Tasks end by their deadlines, every user leaves, and collects one lock time later.
    function everybodyLeaves() external {
        vm.warp(block.timestamp + 10 * LOCK);
        while (_tasksOpen() != 0) {
            uint256 left = _tasksOpen();
            _end(0, 3);
            assertLt(_tasksOpen(), left, "a task that does not end");
        }
        for (uint256 round; round < 2; ++round) {
            for (uint256 i; i < users.length; ++i) {
                if (this.totalOf(users[i]) != 0) this.leave(i);
            }
            vm.warp(block.timestamp + LOCK);
        }
    }

    function selectors() external pure returns (bytes4[] memory list) {
        list = new bytes4[](24);
        list[0] = this.deposit.selector;
        list[1] = this.transfer.selector;
        list[2] = this.requestPart.selector;
        list[3] = this.retrieve.selector;
        list[4] = this.refund.selector;
        list[5] = this.deleteLedger.selector;
        list[6] = this.onboard.selector;
        list[7] = this.leave.selector;
        list[8] = this.withdrawAcknowledgement.selector;
        list[9] = this.acknowledge.selector;
        list[10] = this.settle.selector;
        list[11] = this.settleBatch.selector;
        list[12] = this.rotate.selector;
        list[13] = this.deliver.selector;
        list[14] = this.serve.selector;
        list[15] = this.withdrawStake.selector;
        list[16] = this.delegate.selector;
        list[17] = this.endSession.selector;
        list[18] = this.claim.selector;
        list[19] = this.openTask.selector;
        list[20] = this.deliverTask.selector;
        list[21] = this.acceptTask.selector;
        list[22] = this.endTask.selector;
        list[23] = this.pass.selector;
    }
}
