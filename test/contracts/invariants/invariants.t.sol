// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {Actors} from "./Actors.sol";

/// See README.md beside this file: what each invariant says.
contract InvariantsTest is Test {
    Actors private actors;

    function setUp() external {
        actors = new Actors();
        actors.setUp();
        targetContract(address(actors));
        bytes4[] memory selectors = new bytes4[](20);
        selectors[0] = Actors.deposit.selector;
        selectors[1] = Actors.transfer.selector;
        selectors[2] = Actors.requestPart.selector;
        selectors[3] = Actors.retrieve.selector;
        selectors[4] = Actors.refund.selector;
        selectors[5] = Actors.deleteLedger.selector;
        selectors[6] = Actors.acknowledge.selector;
        selectors[7] = Actors.settle.selector;
        selectors[8] = Actors.deliver.selector;
        selectors[9] = Actors.serve.selector;
        selectors[10] = Actors.withdrawStake.selector;
        selectors[11] = Actors.pass.selector;
        selectors[12] = Actors.onboard.selector;
        selectors[13] = Actors.leave.selector;
        selectors[14] = Actors.withdrawAcknowledgement.selector;
        selectors[15] = Actors.settleBatch.selector;
        selectors[16] = Actors.rotate.selector;
        selectors[17] = Actors.delegate.selector;
        selectors[18] = Actors.endSession.selector;
        selectors[19] = Actors.claim.selector;
        targetSelector(FuzzSelector(address(actors), selectors));
    }

    function invariant_Solvency() external view {
        (address ledger, address inference, address fineTuning, address stakes) = actors.addresses();
        assertEq(ledger.balance, actors.ledgerOwes(), "ledger");
        assertEq(inference.balance, actors.servingOwes(false), "inference");
        assertEq(fineTuning.balance, actors.servingOwes(true), "fine-tuning");
        assertEq(stakes.balance, actors.stakesOwe(), "stakes");
    }

    function invariant_NothingButWhatWasSignedLeavesAUser() external view {
        for (uint256 i; i < 4; ++i) {
            address user = actors.users(i);
            assertLe(actors.earned(user), actors.signedAway(user));
            assertEq(actors.paidIn(user), actors.paidOut(user) + actors.totalOf(user) + actors.earned(user));
        }
    }

    function invariant_SettledNeverFalls() external view {
        for (uint256 i; i < 8; ++i) {
            (address user, address who) = (actors.users(i / 2), actors.providers(i % 2));
            assertEq(actors.settledBy(user, who), actors.highestSettled(user, who));
            assertLe(actors.settledBy(user, who), actors.owed(user, who));
        }
    }

    function invariant_PendingRefundsAreCovered() external view {
        for (uint256 i; i < 8; ++i) {
            (uint256 pending, uint256 balance) =
                actors.pendingOf(actors.users(i / 2), actors.providers(i % 2));
            assertLe(pending, balance);
        }
    }
}
