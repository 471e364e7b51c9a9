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
        targetSelector(FuzzSelector(address(actors), actors.selectors()));
    }

    /// The end of every sequence: whatever happened, users take home all that was not earned.
    function afterInvariant() external {
        actors.everybodyLeaves();
        for (uint256 i; i < 4; ++i) {
            address user = actors.users(i);
            assertEq(actors.paidOut(user), actors.paidIn(user) - actors.earnedOf(user), "not all came back");
        }
        (address ledger, address inference, address fineTuning,) = actors.addresses();
        assertEq(ledger.balance + inference.balance + fineTuning.balance, 0, "something stayed");
    }

    function invariant_Solvency() external view {
        (address ledger, address inference, address fineTuning, address stakes) = actors.addresses();
        assertEq(ledger.balance, actors.ledgerOwes(), "ledger");
        assertEq(inference.balance, actors.servingOwes(false), "inference");
        assertEq(fineTuning.balance, actors.servingOwes(true) + actors.escrowed(), "fine-tuning");
        assertEq(stakes.balance, actors.stakesOwe(), "stakes");
    }

    function invariant_NothingButWhatWasEarnedLeavesAUser() external view {
        for (uint256 i; i < 4; ++i) {
            address user = actors.users(i);
            uint256 held = actors.totalOf(user) + actors.inEscrow(user);
            assertEq(actors.paidIn(user), actors.paidOut(user) + held + actors.earnedOf(user));
        }
    }

    function invariant_AProviderGetsNoMoreThanWasSigned() external view {
        for (uint256 i; i < 8; ++i) {
            (address user, address who) = (actors.users(i / 2), actors.providers(i % 2));
            assertLe(actors.earned(user, who), actors.signedAway(user, who));
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

    /// A run in which nothing happens shows nothing: the actors reach every kind of payment and of end.
    function test_TheActorsReachEveryEnd() external {
        for (uint256 u; u < 4; ++u) {
            actors.onboard(u, 0, true, 5 ether, 4 ether);
            actors.openTask(u, 0, 1 ether, 100, false);
        }
        for (uint256 i; i < 3; ++i) {
            actors.deliverTask(i, 0.5 ether, 7);
        }
        actors.acceptTask(0, false);
        actors.endTask(0, 1);
        assertEq(actors.earnedOf(actors.users(0)), 0.5 ether, "paid");
        actors.endTask(1, 0);
        assertEq(actors.earnedOf(actors.users(1)), 0.15 ether, "rejected");
        assertEq(actors.escrowed(), 2 ether);
        actors.pass(1 days);
        actors.endTask(0, 3); // not delivered
        actors.endTask(0, 3); // not revealed
        assertEq(actors.escrowed(), 0);
        assertEq(actors.earnedOf(actors.users(2)) + actors.earnedOf(actors.users(3)), 0);

        actors.onboard(0, 1, false, 5 ether, 4 ether);
        actors.settleBatch(0, 1, 1 ether, 0, false);
        assertEq(actors.settledBy(actors.users(0), actors.providers(1)), 1.5 ether, "batch");
        actors.onboard(1, 1, false, 5 ether, 4 ether);
        actors.delegate(1, 1, 5 ether, 1 days, 0);
        actors.claim(1, 1, 1 ether, 1 ether, 1);
        assertEq(actors.settledBy(actors.users(1), actors.providers(1)), 1 ether, "voucher");
        assertEq(actors.refused(), 0);
    }
}
