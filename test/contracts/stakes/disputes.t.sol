// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDisputes} from "../../../contracts/interfaces/IDisputes.sol";
import {ISignerRotation} from "../../../contracts/interfaces/ISignerRotation.sol";
import {IServingAdditions} from "../../../contracts/interfaces/IServingAdditions.sol";
import {IStakes} from "../../../contracts/interfaces/IStakes.sol";
import {Signed} from "../utils/Signed.sol";

contract DisputesTest is Signed {
    address private constant NOBODY = 0x000000000000000000000000000000000000dEaD;
    address private watcher = makeAddr("watcher");

    function setUp() public override {
        super.setUp();
        _fund(alice, provider, INFERENCE, 60 ether);
        _fund(bob, provider, INFERENCE, 60 ether);
    }

    function testFuzz_disputeReceipts_RevertWhen_NoConflict(uint48 seq, uint48 other) external {
        IDisputes.Receipt memory one = _receipt(alice, seq, 5);
        IDisputes.Receipt memory two = _receipt(alice, other, 5);
        vm.expectRevert(IDisputes.NoConflict.selector);
        _dispute(one, two);
    }

    function test_disputeReceipts_RevertWhen_NotOneSigner() external {
        (IDisputes.Receipt memory one, IDisputes.Receipt memory two) = _conflict();
        bytes memory good = _signReceipt(TEE_KEY, one);
        bytes memory bad = _signReceipt(OTHER_KEY, two);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotASigner.selector, vm.addr(OTHER_KEY)));
        stakes.disputeReceipts(address(inference), one, good, two, bad);
        good = _signReceipt(OTHER_KEY, one);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NotASigner.selector, vm.addr(OTHER_KEY)));
        stakes.disputeReceipts(address(inference), one, good, two, bad);
    }

    function test_disputeReceipts_FreezesAndEndsTheSigner() external {
        (IDisputes.Receipt memory one, IDisputes.Receipt memory two) = _conflict();
        vm.expectEmit(address(stakes));
        emit IDisputes.Claimed(address(inference), provider, alice, tee, 0, block.timestamp + LOCK);
        _dispute(one, two);
        assertEq(stakes.frozenUntil(address(inference), provider), block.timestamp + LOCK);
        (uint256 window, uint256 endsAt) = stakes.windowOf(address(inference), provider);
        assertEq(window, 1);
        assertEq(endsAt, block.timestamp + LOCK);
        (,,, bool revoked) = inference.signerRecord(provider, tee);
        assertTrue(revoked);
        bytes memory rows = _rowOf(alice, 10);
        bytes memory signature = _batchSignature(TEE_KEY, provider, 5, uint64(block.timestamp), rows);
        vm.expectRevert();
        inference.settleBatch(provider, 5, uint64(block.timestamp), rows, signature);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.AlreadyClaimed.selector, alice, 1));
        _dispute(one, two);
    }

    function test_WhileFrozen_NothingMoves() external {
        (IDisputes.Receipt memory one, IDisputes.Receipt memory two) = _conflict();
        _dispute(one, two);
        bytes memory frozen = abi.encodeWithSelector(IDisputes.StakeFrozen.selector, block.timestamp + LOCK);
        vm.startPrank(provider);
        vm.expectRevert(frozen);
        inference.rotateSigner(bob, 1);
        vm.expectRevert(frozen);
        inference.addOrUpdateService(_params(bob));
        inference.removeService();
        vm.warp(block.timestamp + LOCK);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.StakeFrozen.selector, block.timestamp));
        inference.withdrawStake();
        vm.expectRevert(abi.encodeWithSelector(IDisputes.StakeFrozen.selector, block.timestamp));
        stakes.topUp{value: 1}(address(inference), provider);
    }

    function testFuzz_disputeSettlement(uint256 settled, uint48 seq, uint96 cumulative) external {
        settled = bound(settled, 1, 60 ether);
        _batch(TEE_KEY, 50, _rowOf(alice, settled));
        IDisputes.Receipt memory r = _receipt(alice, seq, cumulative);
        bool conflict = seq > 50 && cumulative < settled;
        if (!conflict) vm.expectRevert(IDisputes.NoConflict.selector);
        _disputeSettlement(r);
        if (!conflict) return;
        vm.warp(block.timestamp + LOCK + 1);
        stakes.resolve(address(inference), provider);
        uint256 before = alice.balance;
        stakes.collectClaim(address(inference), provider, 1, alice);
        uint256 over = settled - cumulative;
        uint256 capped = over < 50 ether ? over : 50 ether;
        assertEq(alice.balance, before + capped + 5 ether);
        assertEq(NOBODY.balance, MIN_STAKE - capped - 5 ether);
        assertEq(_settled(alice), settled); // never lowered
    }

    function test_disputeSettlement_RevertGiven_AnotherSignerSettled() external {
        vm.prank(provider);
        inference.rotateSigner(vm.addr(OTHER_KEY), 100);
        vm.prank(alice);
        inference.acknowledgeTEESigner(provider, true);
        _batch(OTHER_KEY, 50, _rowOf(alice, 10));
        vm.expectRevert(IDisputes.NoConflict.selector);
        _disputeSettlement(_receipt(alice, 51, 5));
    }

    function testFuzz_disputeSettlement_TheLargestCounts(uint96 one, uint96 two) external {
        one = uint96(bound(one, 0, 40 ether - 1));
        two = uint96(bound(two, 0, 40 ether - 1));
        _batch(TEE_KEY, 50, _rowOf(alice, 40 ether));
        _disputeSettlement(_receipt(alice, 51, one));
        if (two >= one) vm.expectRevert(abi.encodeWithSelector(IDisputes.AlreadyClaimed.selector, alice, 1));
        _disputeSettlement(_receipt(alice, 52, two));
        vm.warp(block.timestamp + LOCK + 1);
        stakes.resolve(address(inference), provider);
        uint256 before = alice.balance;
        stakes.collectClaim(address(inference), provider, 1, alice);
        assertEq(alice.balance - before, 40 ether - (one < two ? one : two) + 5 ether);
    }

    /// A provider that claims first, for next to nothing, keeps nobody from what is owed to him.
    function test_disputeSettlement_TheLargestCounts() external {
        _batch(TEE_KEY, 50, _rowOf(alice, 40 ether));
        IDisputes.Receipt memory small = _receipt(alice, 52, 40 ether - 1);
        bytes memory signature = _signed(small);
        vm.prank(provider);
        stakes.disputeSettlement(address(inference), small, signature);
        vm.expectEmit(address(stakes));
        emit IDisputes.Claimed(address(inference), provider, alice, tee, 30 ether, block.timestamp + LOCK);
        _disputeSettlement(_receipt(alice, 51, 10 ether));
        vm.expectRevert(abi.encodeWithSelector(IDisputes.AlreadyClaimed.selector, alice, 1));
        _disputeSettlement(_receipt(alice, 53, 10 ether));
        _disputeSettlement(_receipt(alice, 54, 0));
        vm.warp(block.timestamp + LOCK + 1);
        stakes.resolve(address(inference), provider);
        uint256 before = alice.balance;
        stakes.collectClaim(address(inference), provider, 1, alice);
        assertEq(alice.balance, before + 40 ether + 5 ether);
        assertEq(NOBODY.balance, MIN_STAKE - 45 ether);
    }

    /// Overcharges of one window share half of the stake in proportion; nearly half burns.
    function test_resolve_PaysProRata() external {
        _batch(TEE_KEY, 50, bytes.concat(_rowOf(alice, 60 ether), _rowOf(bob, 30 ether)));
        _disputeSettlement(_receipt(alice, 51, 0));
        vm.expectPartialRevert(IDisputes.WindowNotOver.selector);
        stakes.resolve(address(inference), provider);
        vm.expectPartialRevert(IDisputes.WindowNotOver.selector);
        stakes.collectClaim(address(inference), provider, 1, alice);
        vm.prank(bob); // sends for himself: no share of the bounty
        stakes.disputeSettlement(
            address(inference), _receipt(bob, 51, 15 ether), _signed(_receipt(bob, 51, 15 ether))
        );
        vm.warp(block.timestamp + LOCK + 1);
        vm.expectPartialRevert(IDisputes.StakeFrozen.selector);
        _disputeSettlement(_receipt(alice, 52, 0)); // too late for this window
        vm.expectEmit(address(stakes));
        emit IDisputes.StakeSlashed(address(inference), provider, 55 ether, 45 ether);
        stakes.resolve(address(inference), provider);

        (uint256 a, uint256 b) = (alice.balance, bob.balance);
        stakes.collectClaim(address(inference), provider, 1, alice);
        stakes.collectClaim(address(inference), provider, 1, bob);
        assertEq(alice.balance, a + 40 ether + 5 ether);
        assertEq(bob.balance, b + 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.NothingToCollect.selector, bob));
        stakes.collectClaim(address(inference), provider, 1, bob);
        assertEq(address(stakes).balance, MIN_STAKE); // the fine-tuning stake
    }

    function test_AfterASlash_AnUpdateNeedsANewStake_AndOldProofsAreSpent() external {
        (IDisputes.Receipt memory one, IDisputes.Receipt memory two) = _conflict();
        _dispute(one, two);
        vm.warp(block.timestamp + LOCK + 1);
        stakes.resolve(address(inference), provider);
        vm.expectRevert(abi.encodeWithSelector(IStakes.NoStake.selector, address(inference), provider));
        _disputeSettlementRaw(_receipt(bob, 51, 0));
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSignature("InsufficientStake(uint256,uint256)", 0, MIN_STAKE));
        inference.addOrUpdateService(_params(bob));
        vm.deal(provider, MIN_STAKE);
        inference.addOrUpdateService{value: MIN_STAKE}(_params(bob));
        vm.stopPrank();
        one.user = makeAddr("other");
        two.user = makeAddr("another");
        vm.expectRevert(abi.encodeWithSelector(IDisputes.SignerEndedBefore.selector, tee));
        _dispute(one, two);
        vm.prank(provider);
        inference.removeService();
    }

    function test_resolve_RevertGiven_NoWindow() external {
        vm.expectRevert(abi.encodeWithSelector(IStakes.NoStake.selector, address(inference), provider));
        stakes.resolve(address(inference), provider);
    }

    function test_removeService_AfterASlash() external {
        (IDisputes.Receipt memory one, IDisputes.Receipt memory two) = _conflict();
        _dispute(one, two);
        vm.warp(block.timestamp + LOCK + 1);
        stakes.resolve(address(inference), provider);
        vm.prank(provider);
        inference.removeService();
        assertFalse(inference.serviceExists(provider));
    }

    function test_endSigner_RevertWhen_NotStakes() external {
        vm.expectRevert(abi.encodeWithSelector(IServingAdditions.CallerNotStakes.selector, address(this)));
        inference.endSigner(provider, tee);
    }

    /// A provider that disputes itself gets back at most 55 of 100, and not before the exit delay.
    function testFuzz_SelfDispute_BurnsNearlyHalf(uint256 own) external {
        own = bound(own, 1, 60 ether);
        _batch(TEE_KEY, 50, bytes.concat(_rowOf(alice, own), _rowOf(bob, own)));
        _disputeSettlement(_receipt(alice, 51, 0));
        _disputeSettlement(_receipt(bob, 51, 0));
        vm.warp(block.timestamp + LOCK + 1);
        stakes.resolve(address(inference), provider);
        assertGe(NOBODY.balance, 45 ether);
    }

    /// A signer that numbers its statements and never lowers a cumulative cannot be disputed: any order of
    /// receipts, batches, epochs and late submissions.
    function testFuzz_AnHonestSignerIsNeverSlashed(uint256 seed) external {
        address[2] memory users = [alice, bob];
        uint96[2] memory cumulative;
        IDisputes.Receipt[] memory receipts = new IDisputes.Receipt[](24);
        bytes memory late;
        uint48 lateNumber;
        uint48 seq;
        for (uint256 i; i < 24; ++i) {
            uint256 dice = uint256(keccak256(abi.encode(seed, i)));
            uint256 u = dice % 2;
            cumulative[u] += uint96(dice % 7 + 1);
            receipts[i] = _receipt(users[u], ++seq, cumulative[u]);
            bytes memory rows = bytes.concat(_rowOf(alice, cumulative[0]), _rowOf(bob, cumulative[1]));
            if (dice % 5 == 0) _batch(TEE_KEY, ++seq, rows);
            if (dice % 5 == 1) (late, lateNumber) = (rows, ++seq);
            if (dice % 5 == 2 && late.length != 0 && lateNumber >> 32 == seq >> 32) {
                _batch(TEE_KEY, lateNumber, late);
            }
            if (dice % 11 == 0) {
                uint32 epoch = uint32(seq >> 32) + 1;
                vm.prank(provider);
                inference.openEpoch(provider, epoch, "");
                seq = uint48(epoch) << 32;
                cumulative = [uint96(_settled(alice)), uint96(_settled(bob))]; // what a broker without ledger knows
            }
        }
        for (uint256 i; i < 24; ++i) {
            vm.expectRevert(IDisputes.NoConflict.selector);
            _disputeSettlement(receipts[i]);
            for (uint256 j; j < i; ++j) {
                vm.expectRevert(IDisputes.NoConflict.selector);
                _dispute(receipts[i], receipts[j]);
            }
        }
    }

    function _conflict() private view returns (IDisputes.Receipt memory one, IDisputes.Receipt memory two) {
        one = _receipt(alice, 7, 5);
        two = _receipt(bob, 7, 5);
    }

    function _signed(IDisputes.Receipt memory r) private view returns (bytes memory) {
        return _signReceipt(TEE_KEY, r);
    }

    function _dispute(IDisputes.Receipt memory one, IDisputes.Receipt memory two) private {
        vm.prank(watcher);
        stakes.disputeReceipts(address(inference), one, _signed(one), two, _signed(two));
    }

    function _disputeSettlement(IDisputes.Receipt memory r) private {
        vm.prank(watcher);
        stakes.disputeSettlement(address(inference), r, _signed(r));
    }

    function _disputeSettlementRaw(IDisputes.Receipt memory r) private {
        vm.prank(watcher);
        stakes.disputeReceipts(
            address(inference), r, _signed(r), _receipt(alice, r.seq, 3), _signed(_receipt(alice, r.seq, 3))
        );
    }
}
