// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IBatchSettlement} from "../../../contracts/interfaces/IBatchSettlement.sol";
import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {ISignerRotation} from "../../../contracts/interfaces/ISignerRotation.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {Signed} from "../utils/Signed.sol";

/// The tree is in settleBatch.tree.
contract SignersTest is Signed {
    uint256 private constant NEW_KEY = 0x9e3;
    address private next = vm.addr(NEW_KEY);

    function setUp() public override {
        super.setUp();
        _fund(alice, provider, INFERENCE, 100);
    }

    /// Rotation strands nothing: what the old signer's receipts earned can be settled for one lock time.
    function testFuzz_rotateSigner_TheSignerBeforeIsGoodForAWhile(
        uint48 lastNumber,
        uint48 number,
        uint256 wait
    ) external {
        lastNumber = uint48(bound(lastNumber, 1, type(uint32).max));
        number = uint48(bound(number, 1, type(uint32).max));
        wait = bound(wait, 0, 2 * LOCK);
        vm.expectEmit(address(inference));
        emit ISignerRotation.SignerRetired(provider, tee, lastNumber, block.timestamp + LOCK);
        vm.prank(provider);
        inference.rotateSigner(next, lastNumber);
        (uint256 version, uint256 retiredAt, uint256 last, bool revoked) =
            inference.signerRecord(provider, tee);
        assertEq(version, 1);
        assertEq(retiredAt, block.timestamp);
        assertEq(last, lastNumber);
        assertFalse(revoked);
        vm.warp(block.timestamp + wait);

        bytes memory rows = _rowOf(alice, 10);
        uint64 asOf = uint64(block.timestamp);
        bytes memory signature = _batchSignature(TEE_KEY, provider, number, asOf, rows);
        bool good = number <= lastNumber && wait <= LOCK;
        if (!good) vm.expectRevert(abi.encodeWithSelector(IBatchSettlement.SignerNotAccepted.selector, tee));
        inference.settleBatch(provider, number, asOf, rows, signature);
        assertEq(_settled(alice), good ? 10 : 0);
    }

    function test_rotateSigner_TheNewOneNeedsTheUsersWord() external {
        vm.prank(provider);
        inference.rotateSigner(next, 100);
        assertFalse(_account(alice).acknowledged);
        assertEq(_batch(NEW_KEY, 101, _rowOf(alice, 10)), 0);
        vm.prank(alice);
        inference.acknowledgeTEESigner(provider, true);
        assertEq(_batch(NEW_KEY, 101, _rowOf(alice, 10)), 10);
    }

    /// The account keeps the number that raised `settled` until the new signer's batch pays.
    function test_rotateSigner_BothSettle_EachOnce() external {
        _batch(TEE_KEY, 5, _rowOf(alice, 10));
        vm.prank(provider);
        inference.rotateSigner(next, 100);
        vm.prank(alice);
        inference.acknowledgeTEESigner(provider, true);
        (,, uint256 version,) = inference.settledOf(alice, provider);
        assertEq(version, 1);
        assertEq(_batch(TEE_KEY, 100, _rowOf(alice, 30)), 20);
        assertEq(_batch(NEW_KEY, 101, _rowOf(alice, 40)), 10);
        (,, version,) = inference.settledOf(alice, provider);
        assertEq(version, 2);
        assertEq(_batch(TEE_KEY, 100, _rowOf(alice, 90)), 0);
        assertEq(_batch(NEW_KEY, 102, _rowOf(alice, 50)), 10);
        assertTrue(_account(alice).acknowledged);
    }

    function test_revokeSigner() external {
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(ISignerRotation.SignerUnknown.selector, provider, bob));
        inference.revokeSigner(bob);
        inference.rotateSigner(next, 100);
        vm.expectEmit(address(inference));
        emit ISignerRotation.SignerRevoked(provider, tee);
        inference.revokeSigner(tee);
        vm.stopPrank();
        bytes memory signature = _batchSignature(TEE_KEY, provider, 5, uint64(block.timestamp), "");
        vm.expectRevert(abi.encodeWithSelector(IBatchSettlement.SignerNotAccepted.selector, tee));
        inference.settleBatch(provider, 5, uint64(block.timestamp), "", signature);

        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(ISignerRotation.SignerIsRevoked.selector, tee));
        inference.rotateSigner(tee, 1);
        inference.revokeSigner(next);
        assertEq(inference.getService(provider).teeSignerAddress, address(0));
    }

    function test_rotateSigner_RevertGiven_NoService() external {
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.ServiceNotExist.selector, bob));
        vm.prank(bob);
        inference.rotateSigner(next, 1);
    }

    /// Removing the service strands nothing either.
    function test_removeService_TheSignerIsGoodForAWhile() external {
        vm.prank(provider);
        inference.removeService();
        assertEq(_batch(TEE_KEY, 5, _rowOf(alice, 10)), 10);
    }

    /// W-03: the owner names the signer.
    function test_W03_acknowledgeSigner_RevertWhen_AnotherIsThere() external {
        _deploy(address(this));
        _registerInference(provider, tee);
        vm.prank(provider);
        inference.rotateSigner(next, 1);
        vm.expectRevert(abi.encodeWithSelector(ISignerRotation.SignerChanged.selector, tee, next));
        inference.acknowledgeSigner(provider, tee);
        inference.acknowledgeSigner(provider, next);
        assertTrue(inference.getService(provider).teeSignerAcknowledged);
    }

    function testFuzz_withdrawAcknowledgement(uint256 wait, bool legacy) external {
        wait = bound(wait, 0, 2 * LOCK);
        vm.expectEmit(address(inference));
        emit ISignerRotation.AcknowledgementWithdrawn(alice, provider, block.timestamp + LOCK);
        vm.prank(alice);
        inference.withdrawAcknowledgement(provider);
        assertFalse(_account(alice).acknowledged);
        vm.warp(block.timestamp + wait);
        bool good = wait <= LOCK;
        if (legacy) {
            assertEq(
                uint256(_settle(_row(alice, 10, 1))),
                uint256(
                    good
                        ? IInferenceTypes.SettlementStatus.SUCCESS
                        : IInferenceTypes.SettlementStatus.NO_TEE_SIGNER
                )
            );
        } else {
            assertEq(_batch(TEE_KEY, 5, _rowOf(alice, 10)), good ? 10 : 0);
            assertFalse(_account(alice).acknowledged); // a payment does not bring it back
        }
    }

    function test_withdrawAcknowledgement_TheTimeDoesNotStartAgain() external {
        vm.startPrank(alice);
        inference.withdrawAcknowledgement(provider);
        vm.warp(block.timestamp + LOCK);
        inference.withdrawAcknowledgement(provider);
        vm.warp(block.timestamp + 1);
        vm.stopPrank();
        assertEq(_batch(TEE_KEY, 5, _rowOf(alice, 10)), 0);
    }

    function test_withdrawAcknowledgement_ANewOneTakesItBack() external {
        vm.startPrank(alice);
        inference.withdrawAcknowledgement(provider);
        inference.acknowledgeTEESigner(provider, true);
        vm.stopPrank();
        assertTrue(_account(alice).acknowledged);
        vm.warp(block.timestamp + 2 * LOCK);
        assertEq(_batch(TEE_KEY, 5, _rowOf(alice, 10)), 10);
    }

    function test_acknowledgeTEESigner_False_EndsSettlement() external {
        _batch(TEE_KEY, 5, _rowOf(alice, 100));
        vm.prank(alice);
        inference.acknowledgeTEESigner(provider, false);
        _fund(alice, provider, INFERENCE, 50);
        assertEq(_batch(TEE_KEY, 6, _rowOf(alice, 120)), 0);
    }
}
