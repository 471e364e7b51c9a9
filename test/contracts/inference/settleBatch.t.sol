// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IBatchSettlement} from "../../../contracts/interfaces/IBatchSettlement.sol";
import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {Signed} from "../utils/Signed.sol";

contract SettleBatchTest is Signed {
    function setUp() public override {
        super.setUp();
        _fund(alice, provider, INFERENCE, 100);
        _fund(bob, provider, INFERENCE, 100);
    }

    function test_RevertWhen_TheRowsAreMalformed() external {
        vm.expectRevert(abi.encodeWithSelector(IBatchSettlement.RowsMalformed.selector, 33));
        inference.settleBatch(provider, 1, 0, new bytes(33), "");
    }

    function testFuzz_RevertWhen_OutOfTime(uint64 asOf) external {
        vm.assume(asOf > block.timestamp || asOf < block.timestamp - 30 days);
        vm.expectRevert(
            abi.encodeWithSelector(IBatchSettlement.BatchOutOfTime.selector, asOf, block.timestamp)
        );
        inference.settleBatch(provider, 1, asOf, "", "");
    }

    function testFuzz_RevertWhen_AnotherEpoch(uint48 upTo) external {
        vm.assume(upTo >> 32 != 0);
        vm.expectRevert(abi.encodeWithSelector(IBatchSettlement.WrongEpoch.selector, upTo >> 32, 0));
        inference.settleBatch(provider, upTo, uint64(block.timestamp), "", "");
    }

    function testFuzz_RevertWhen_AnyPartDiffers(uint256 part) external {
        part = bound(part, 0, 4);
        bytes memory rows = _rowOf(alice, 10);
        uint64 asOf = uint64(block.timestamp);
        bytes memory signature = _batchSignature(TEE_KEY, provider, 5, asOf, rows);
        address who = provider;
        uint48 upTo = 5;
        if (part == 0) who = bob;
        if (part == 1) upTo = 6;
        if (part == 2) asOf -= 1;
        if (part == 3) rows = _rowOf(alice, 11);
        if (part == 4) rows = _rowOf(bob, 10);
        vm.expectPartialRevert(IBatchSettlement.SignerNotAccepted.selector);
        inference.settleBatch(who, upTo, asOf, rows, signature);
    }

    function test_RevertGiven_TheNetworkAcknowledgesNoSigner() external {
        _deploy(address(this));
        _registerInference(provider, tee);
        bytes memory signature = _batchSignature(TEE_KEY, provider, 5, uint64(block.timestamp), "");
        vm.expectRevert(abi.encodeWithSelector(IBatchSettlement.SignerNotAccepted.selector, tee));
        inference.settleBatch(provider, 5, uint64(block.timestamp), "", signature);
        inference.acknowledgeSigner(provider, tee);
        inference.settleBatch(provider, 5, uint64(block.timestamp), "", signature);
    }

    function test_RevertWhen_ThePayeeRefuses() external {
        vm.etch(provider, hex"60006000fd");
        bytes memory rows = _rowOf(alice, 10);
        bytes memory signature = _batchSignature(TEE_KEY, provider, 5, uint64(block.timestamp), rows);
        vm.expectRevert(IInferenceTypes.TransferFailed.selector);
        inference.settleBatch(provider, 5, uint64(block.timestamp), rows, signature);
    }

    function testFuzz_Pays(uint256 first, uint256 second) external {
        first = bound(first, 1, 100);
        second = bound(second, 0, 200);
        uint256 before = provider.balance;
        assertEq(_batch(TEE_KEY, 5, _rowOf(alice, first)), first);
        uint256 due = second > first ? second - first : 0;
        uint256 paid = due < 100 - first ? due : 100 - first;
        assertEq(_batch(TEE_KEY, 6, _rowOf(alice, second)), paid);
        assertEq(provider.balance, before + first + paid);
        assertEq(_account(alice).balance, 100 - first - paid);
        (uint256 settled, uint256 upTo, uint256 version, uint256 mode) = inference.settledOf(alice, provider);
        assertEq(settled, first + paid);
        assertEq(upTo, paid == 0 ? 5 : 6);
        assertEq(version, 1);
        assertEq(mode, 1);
    }

    function test_LogsOneWordPerPayer() external {
        vm.expectEmit(address(inference));
        emit IBatchSettlement.PayerSettled(alice, (10 << 128) | 10);
        vm.expectEmit(address(inference));
        emit IBatchSettlement.PayerSettled(bob, (100 << 128) | 100);
        vm.expectEmit(address(inference));
        emit IBatchSettlement.BatchSettled(provider, provider, 5, block.timestamp, 2, 110);
        _batch(TEE_KEY, 5, bytes.concat(_rowOf(alice, 10), _rowOf(bob, 150)));
        vm.expectEmit(address(inference));
        emit IBatchSettlement.PayerSettled(alice, (15 << 128) | 25);
        _batch(TEE_KEY, 6, _rowOf(alice, 25));
    }

    /// W-08: cumulative amounts: the same batch, an older one, a repeated row, all pay nothing.
    function testFuzz_W08_WhenSentAgain_ItPaysNothing(uint48 stale) external {
        _batch(TEE_KEY, 50, bytes.concat(_rowOf(alice, 60), _rowOf(alice, 60), _rowOf(alice, 99)));
        assertEq(_settled(alice), 60); // one row per payer and statement
        assertEq(_batch(TEE_KEY, 50, _rowOf(alice, 60)), 0);
        stale = uint48(bound(stale, 0, 50));
        assertEq(_batch(TEE_KEY, stale, _rowOf(alice, 90)), 0);
        assertEq(_batch(TEE_KEY, 51, _rowOf(alice, 59)), 0);
        (uint256 settled, uint256 upTo,,) = inference.settledOf(alice, provider);
        assertEq(settled, 60);
        assertEq(upTo, 50);
    }

    /// W-09: what could not be paid stays owed.
    function test_W09_WhatWasNotCoveredStaysOwed() external {
        assertEq(_batch(TEE_KEY, 5, _rowOf(alice, 130)), 100);
        _fund(alice, provider, INFERENCE, 50);
        assertEq(_batch(TEE_KEY, 5, _rowOf(alice, 130)), 0); // the number is used
        assertEq(_batch(TEE_KEY, 6, _rowOf(alice, 130)), 30);
        assertEq(_account(alice).balance, 20);
    }

    function test_ABadRowStopsNoOther() external {
        address nobody = makeAddr("nobody");
        bytes memory rows = bytes.concat(
            _rowOf(nobody, 10),
            _rowOf(address(0), 10),
            _rowOf(provider, 10),
            _rowOf(alice, 0),
            _rowOf(bob, 10)
        );
        assertEq(_batch(TEE_KEY, 5, rows), 10);
    }

    function test_OneModePerAccount_LegacyIsRefusedAfterABatch() external {
        _settle(_row(alice, 10, 1));
        assertEq(_batch(TEE_KEY, 5, _rowOf(alice, 10)), 10); // deltas are counted apart
        assertEq(uint256(_settle(_row(alice, 1, 2))), uint256(IInferenceTypes.SettlementStatus.INVALID_NONCE));
        assertEq(_account(alice).balance, 80);
    }

    function testFuzz_GivenPendingRefunds(uint256 cumulative) external {
        cumulative = bound(cumulative, 1, 120);
        vm.prank(alice);
        ledger.requestRefund(address(inference), provider, 30);
        vm.warp(block.timestamp + LOCK);
        vm.prank(alice);
        ledger.requestRefund(address(inference), provider, 40);
        uint256 paid = _batch(TEE_KEY, 5, _rowOf(alice, cumulative)); // 30 have matured
        assertEq(paid, cumulative < 70 ? cumulative : 70);
        assertEq(_account(alice).balance, 100 - paid);
        assertEq(_account(alice).pendingRefund, paid <= 30 ? 70 : 100 - paid);
        _retrieve(alice, provider, INFERENCE);
        assertEq(_available(alice), 30);
    }

    function test_GivenItWasOpenedAgain_OldBatchesPayNothing() external {
        uint64 old = uint64(block.timestamp);
        _batch(TEE_KEY, 5, _rowOf(alice, 100));
        vm.prank(alice);
        ledger.deleteLedger();
        assertEq(_batch(TEE_KEY, 6, _rowOf(alice, 200)), 0);
        vm.warp(block.timestamp + 1);
        _fund(alice, provider, INFERENCE, 100);
        assertEq(_settled(alice), 100); // survives
        assertEq(_batchAt(TEE_KEY, 7, old, _rowOf(alice, 150)), 0);
        assertEq(_batch(TEE_KEY, 7, _rowOf(alice, 150)), 50);
        assertEq(_batch(TEE_KEY, 8, _rowOf(alice, 160)), 10);
    }

    /* EPOCHS AND PAYEE */

    function test_openEpoch() external {
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IBatchSettlement.EpochNotNext.selector, 2, 0));
        inference.openEpoch(provider, 2, "");
        bytes32 structHash =
            keccak256(abi.encode(keccak256("OpenEpoch(address provider,uint32 epoch)"), provider, uint32(1)));
        bytes memory wrong = _sign(OTHER_KEY, address(inference), "0G Inference Serving", structHash);
        vm.expectRevert(
            abi.encodeWithSelector(IBatchSettlement.SignerNotAccepted.selector, vm.addr(OTHER_KEY))
        );
        inference.openEpoch(provider, 1, wrong);

        inference.openEpoch(
            provider, 1, _sign(TEE_KEY, address(inference), "0G Inference Serving", structHash)
        );
        assertEq(inference.epochOf(provider), 1);
        bytes memory signature =
            _batchSignature(TEE_KEY, provider, 5, uint64(block.timestamp), _rowOf(alice, 10));
        vm.expectRevert(abi.encodeWithSelector(IBatchSettlement.WrongEpoch.selector, 0, 1));
        inference.settleBatch(provider, 5, uint64(block.timestamp), _rowOf(alice, 10), signature);
        assertEq(_batch(TEE_KEY, (1 << 32) | 1, _rowOf(alice, 10)), 10);
        vm.expectEmit(address(inference));
        emit IBatchSettlement.EpochOpened(provider, 2);
        vm.prank(provider);
        inference.openEpoch(provider, 2, "");
    }

    function test_setPayee() external {
        address payee = makeAddr("payee");
        vm.expectEmit(address(inference));
        emit IBatchSettlement.PayeeChanged(provider, payee);
        vm.prank(provider);
        inference.setPayee(payee);
        _batch(TEE_KEY, 5, _rowOf(alice, 10));
        assertEq(payee.balance, 10);
        assertEq(inference.payeeOf(provider), payee);
        assertEq(inference.payeeOf(bob), bob);
    }
}
