// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

import {DisputeActors} from "./DisputeActors.sol";

/// See README.md beside this file: what each invariant says.
contract DisputeInvariantsTest is Test {
    uint256 private constant MIN_STAKE = 100 ether;
    DisputeActors private actors;

    function setUp() external {
        actors = new DisputeActors();
        actors.setUp();
        targetContract(address(actors));
        bytes4[] memory selectors = new bytes4[](12);
        selectors[0] = DisputeActors.serve.selector;
        selectors[1] = DisputeActors.settle.selector;
        selectors[2] = DisputeActors.attack.selector;
        selectors[3] = DisputeActors.equivocate.selector;
        selectors[4] = DisputeActors.overcharge.selector;
        selectors[5] = DisputeActors.resolve.selector;
        selectors[6] = DisputeActors.collect.selector;
        selectors[7] = DisputeActors.startExit.selector;
        selectors[8] = DisputeActors.withdraw.selector;
        selectors[9] = DisputeActors.comeBack.selector;
        selectors[10] = DisputeActors.topUp.selector;
        selectors[11] = DisputeActors.pass.selector;
        targetSelector(FuzzSelector(address(actors), selectors));
    }

    function invariant_AnHonestSignerIsNeverSlashed() external view {
        (uint256 stake, uint256 frozen, bool revoked) = actors.honest();
        assertEq(stake, MIN_STAKE);
        assertEq(frozen, 0);
        assertFalse(revoked);
    }

    function invariant_SelfDisputesBurn() external view {
        uint256 slashed = actors.slashed();
        assertGe(actors.burned(), slashed * 45 / 100);
        assertLe(actors.claimed(), slashed - actors.burned());
        assertEq(
            actors.staked(), actors.withdrawn() + actors.claimed() + actors.burned() + actors.heldForCheat()
        );
    }

    /// The way there and back in one piece, so that the invariants are known to have something to look at.
    function test_TheCheatReachesEveryStage() external {
        actors.overcharge(0, 1, 10 ether);
        actors.equivocate(1, 2, 0, 7);
        assertEq(actors.disputes(), 2);
        actors.pass(1 days);
        actors.pass(1);
        actors.resolve();
        assertEq(actors.slashed(), MIN_STAKE);
        actors.collect(0, 1);
        actors.collect(1, 1);
        assertGt(actors.claimed(), 10 ether);
        actors.comeBack();
        actors.overcharge(1, 0, 1 ether);
        assertEq(actors.disputes(), 3);
        actors.serve(0, 1 ether);
        actors.settle(0);
        actors.attack(0, 0);
        assertEq(actors.attacks(), 1);
    }
}
