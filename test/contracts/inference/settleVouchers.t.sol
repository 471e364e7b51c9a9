// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IBatchSettlement} from "../../../contracts/interfaces/IBatchSettlement.sol";
import {IDisputes} from "../../../contracts/interfaces/IDisputes.sol";
import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {IVoucherSettlement} from "../../../contracts/interfaces/IVoucherSettlement.sol";
import {Signed} from "../utils/Signed.sol";

contract SettleVouchersTest is Signed {
    uint256 private constant PAYER_KEY = 0xa11;
    uint256 private constant SESSION_KEY = 0x5e5;
    address private payer = vm.addr(PAYER_KEY);
    address private session = vm.addr(SESSION_KEY);
    uint40 private expiry;

    function setUp() public override {
        super.setUp();
        expiry = uint40(block.timestamp + 1 days);
        _fund(payer, provider, INFERENCE, 100 gwei);
        _delegate(PAYER_KEY, 80 gwei, expiry);
    }

    function test_delegateSession_RevertWhen_TheExpiryIsNotLater() external {
        bytes memory proof = _proof(1 gwei, expiry);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(IVoucherSettlement.ExpiryNotLater.selector, expiry, expiry));
        inference.delegateSession(provider, payer, session, 1 gwei, expiry, proof, "");
        vm.prank(payer);
        vm.expectRevert(
            abi.encodeWithSelector(
                IVoucherSettlement.ExpiryNotLater.selector, block.timestamp, block.timestamp
            )
        );
        inference.delegateSession(provider, payer, bob, 1 gwei, uint40(block.timestamp), proof, "");
    }

    function test_delegateSession_RevertWhen_TheKeyIsOver() external {
        vm.warp(expiry);
        bytes memory proof = _proof(90 gwei, expiry + 10);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(IVoucherSettlement.SessionOver.selector, expiry));
        inference.delegateSession(provider, payer, session, 90 gwei, expiry + 10, proof, "");
    }

    /// A payer must not take back what its session key signed.
    function test_delegateSession_RevertWhen_TheCapFalls() external {
        bytes memory proof = _proof(79 gwei, expiry + 1);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(IVoucherSettlement.CapLowered.selector, 79 gwei, 80 gwei));
        inference.delegateSession(provider, payer, session, 79 gwei, expiry + 1, proof, "");
    }

    function test_delegateSession_RevertWhen_TheKeyIsAnothers() external {
        bytes memory proof = _delegationSignature(SESSION_KEY, alice, session, 90 gwei, expiry + 1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IVoucherSettlement.SessionKeyTaken.selector, payer));
        inference.delegateSession(provider, alice, session, 90 gwei, expiry + 1, proof, "");
    }

    /// Nobody binds a key that is not theirs: its owner could delegate it no more.
    function test_delegateSession_RevertWhen_TheKeyDoesNotSign() external {
        bytes memory proof = _delegationSignature(PAYER_KEY, payer, bob, 1 gwei, expiry);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(IVoucherSettlement.NotTheSessionKey.selector, payer));
        inference.delegateSession(provider, payer, bob, 1 gwei, expiry, proof, "");
    }

    function test_delegateSession_RevertWhen_AnotherSigns() external {
        bytes memory signature = _delegationSignature(OTHER_KEY, payer, session, 90 gwei, expiry + 1);
        bytes memory proof = _proof(90 gwei, expiry + 1);
        vm.expectRevert(abi.encodeWithSelector(IVoucherSettlement.NotThePayer.selector, vm.addr(OTHER_KEY)));
        inference.delegateSession(provider, payer, session, 90 gwei, expiry + 1, proof, signature);
    }

    function testFuzz_delegateSession_Stores(uint96 cap, uint256 key) external {
        key = bound(key, 1, 1e30);
        vm.assume(key != SESSION_KEY);
        address another = vm.addr(key);
        bytes memory proof = _delegationSignature(key, payer, another, cap, expiry + 1);
        uint256 gweis = cap / 1 gwei;
        uint256 kept = (gweis < type(uint56).max ? gweis : type(uint56).max) * 1 gwei;
        vm.expectEmit(address(inference));
        emit IVoucherSettlement.Delegated(payer, provider, another, kept, expiry + 1);
        vm.prank(payer);
        inference.delegateSession(provider, payer, another, cap, expiry + 1, proof, "");
        (address user, uint256 stored, uint256 until) = inference.delegationOf(provider, another);
        assertEq(user, payer);
        assertEq(stored, kept);
        assertEq(until, expiry + 1);
    }

    /// What one session key signed stays owed when the payer takes another.
    function test_delegateSession_KeysStandBesideEachOther() external {
        bytes memory proof = _delegationSignature(OTHER_KEY, payer, vm.addr(OTHER_KEY), 90 gwei, expiry);
        vm.prank(payer);
        inference.delegateSession(provider, payer, vm.addr(OTHER_KEY), 90 gwei, expiry, proof, "");
        assertEq(_claim(SESSION_KEY, 20 gwei, 20 gwei), 20 gwei);
        assertEq(_claim(OTHER_KEY, 30 gwei, 30 gwei), 10 gwei);
        assertEq(_claim(SESSION_KEY, 25 gwei, 25 gwei), 0);
        assertEq(_claim(OTHER_KEY, 90 gwei, 90 gwei), 60 gwei);
    }

    function test_endSession_RevertWhen_TheCallerIsNotItsPayer() external {
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IVoucherSettlement.NotThePayer.selector, alice));
        inference.endSession(provider, session);
    }

    /// What was signed can be claimed for one lock time; the delegation does not come back.
    function test_endSession() external {
        bytes memory old = _delegationSignature(PAYER_KEY, payer, session, 90 gwei, expiry + 5);
        bytes memory proof = _proof(90 gwei, expiry + 5);
        vm.expectEmit(address(inference));
        emit IVoucherSettlement.Delegated(payer, provider, session, 80 gwei, block.timestamp);
        vm.prank(payer);
        inference.endSession(provider, session);
        vm.expectRevert(abi.encodeWithSelector(IVoucherSettlement.SessionOver.selector, block.timestamp));
        inference.delegateSession(provider, payer, session, 90 gwei, expiry + 5, proof, old);
        vm.recordLogs();
        vm.prank(payer);
        inference.endSession(provider, session); // again: nothing happens
        assertEq(vm.getRecordedLogs().length, 0);
        vm.warp(block.timestamp + LOCK);
        assertEq(_claim(SESSION_KEY, 10 gwei, 10 gwei), 10 gwei);
        vm.warp(block.timestamp + 1);
        assertEq(_claim(SESSION_KEY, 20 gwei, 20 gwei), 0);
    }

    /// Recovery of a broken signature gives zero, which is nobody's key.
    function test_settleVouchers_ABrokenSignature() external {
        bytes memory row = abi.encodePacked(uint96(1), uint96(1), bytes32(0), bytes32(0));
        vm.prank(provider);
        assertEq(inference.settleVouchers(provider, row), 0);
        // After a good row too, whose recovered key must not be taken for that of the next.
        row = bytes.concat(_voucherRow(SESSION_KEY, 10 gwei, 10 gwei), row);
        vm.prank(provider);
        assertEq(inference.settleVouchers(provider, row), 10 gwei);
    }

    function test_settleVouchers_RevertWhen_Malformed() external {
        vm.expectRevert(abi.encodeWithSelector(IBatchSettlement.RowsMalformed.selector, 89));
        inference.settleVouchers(provider, new bytes(89));
    }

    function testFuzz_settleVouchers(uint96 claimed, uint96 signed, uint96 again) external {
        claimed = uint96(bound(claimed, 0, 120 gwei));
        signed = uint96(bound(signed, 0, 120 gwei));
        again = uint96(bound(again, 0, 120 gwei));
        uint256 before = provider.balance;
        uint256 first = claimed <= signed && claimed <= 80 gwei ? claimed : 0;
        assertEq(_claim(SESSION_KEY, claimed, signed), first);
        uint256 second = again > first && again <= 80 gwei ? again - first : 0;
        assertEq(_claim(SESSION_KEY, again, 120 gwei), second);
        assertEq(provider.balance, before + first + second);
        assertEq(_settled(payer), first + second);
        assertEq(inference.getAccount(payer, provider).balance, 100 gwei - first - second);
    }

    function testFuzz_settleVouchers_AnotherKey(uint256 key) external {
        key = bound(key, 1, 1e30);
        vm.assume(key != SESSION_KEY);
        assertEq(_claim(key, 10 gwei, 10 gwei), 0);
    }

    function test_settleVouchers_WhatIsNotCoveredStaysOwed() external {
        _delegate(PAYER_KEY, 200 gwei, expiry + 1);
        assertEq(_claim(SESSION_KEY, 150 gwei, 150 gwei), 100 gwei);
        _fund(payer, provider, INFERENCE, 100 gwei);
        vm.expectEmit(address(inference));
        emit IBatchSettlement.PayerSettled(payer, (uint256(50 gwei) << 128) | 150 gwei);
        vm.expectEmit(address(inference));
        emit IVoucherSettlement.VouchersSettled(provider, provider, 1, 50 gwei);
        assertEq(_claim(SESSION_KEY, 150 gwei, 150 gwei), 50 gwei);
        assertEq(_claim(SESSION_KEY, 150 gwei, 150 gwei), 0);
    }

    function test_settleVouchers_MaturedRefundsAreThePayers() external {
        vm.prank(payer);
        ledger.requestRefund(address(inference), provider, 95 gwei);
        vm.warp(block.timestamp + LOCK);
        assertEq(_claim(SESSION_KEY, 50 gwei, 50 gwei), 5 gwei);
    }

    /// One mode: TEE statements and vouchers share the cumulative and never mix.
    function test_OneMode() external {
        _claim(SESSION_KEY, 10 gwei, 10 gwei);
        assertEq(_batch(TEE_KEY, 5, _rowOf(payer, 20 gwei)), 0);
        assertEq(uint256(_settle(_row(payer, 1, 1))), uint256(IInferenceTypes.SettlementStatus.INVALID_NONCE));
        vm.prank(payer);
        inference.acknowledgeTEESigner(provider, true);
        assertEq(_claim(SESSION_KEY, 12 gwei, 12 gwei), 2 gwei); // until a batch pays
        assertEq(uint256(_settle(_row(payer, 1, 1))), uint256(IInferenceTypes.SettlementStatus.INVALID_NONCE));
        // An honest enclave's receipt of before the vouchers is no proof against it.
        IDisputes.Receipt memory r = _receipt(payer, 3, 1 gwei);
        bytes memory signature = _signReceipt(TEE_KEY, r);
        vm.expectRevert(IDisputes.NoConflict.selector);
        stakes.disputeSettlement(address(inference), r, signature);
        assertEq(_batch(TEE_KEY, 5, _rowOf(payer, 15 gwei)), 3 gwei);
        assertEq(_claim(SESSION_KEY, 20 gwei, 20 gwei), 0);
        vm.expectRevert(IDisputes.NoConflict.selector);
        stakes.disputeSettlement(address(inference), r, signature);
    }

    /// A payer must not void an enclave's receipts with a voucher of one neuron.
    function test_TheProviderSendsTheFirst_AnyoneTheNext() external {
        bytes memory row = _voucherRow(SESSION_KEY, 1, 1);
        vm.prank(payer);
        assertEq(inference.settleVouchers(provider, row), 0);
        _claim(SESSION_KEY, 1, 1);
        row = _voucherRow(SESSION_KEY, 2, 2);
        assertEq(inference.settleVouchers(provider, row), 1);
    }

    function test_OneMode_AWithdrawnAcknowledgementIsNotANewOne() external {
        _claim(SESSION_KEY, 10 gwei, 10 gwei);
        vm.prank(payer);
        inference.withdrawAcknowledgement(provider);
        assertEq(_batch(TEE_KEY, 5, _rowOf(payer, 20 gwei)), 0);
        assertEq(_claim(SESSION_KEY, 20 gwei, 20 gwei), 10 gwei);
    }

    function test_OneMode_VouchersAreRefusedAfterABatch() external {
        _batch(TEE_KEY, 5, _rowOf(payer, 1 gwei));
        assertEq(_claim(SESSION_KEY, 10 gwei, 10 gwei), 0);
    }

    /// A voucher of before the sub-account was closed counts no more; the payer delegates again.
    function test_ClosingEndsTheSessionKeys() external {
        _delegate(PAYER_KEY, 200 gwei, expiry + 1);
        _claim(SESSION_KEY, 150 gwei, 150 gwei);
        for (uint40 life = 2; life < 4; ++life) {
            vm.prank(payer);
            ledger.deleteLedger();
            _fund(payer, provider, INFERENCE, 20 gwei);
            assertEq(_claim(SESSION_KEY, 150 gwei, 150 gwei), 0);
            (, uint256 cap,) = inference.delegationOf(provider, session);
            assertEq(cap, 0);
            _delegate(PAYER_KEY, 200 gwei, expiry + life);
            assertEq(_claim(SESSION_KEY, 150 gwei, 150 gwei), 20 gwei);
            vm.warp(block.timestamp + 1);
        }
    }

    /// An acknowledgement aside says nothing about session keys.
    function test_settleVouchers_AfterAnAcknowledgement() external {
        _claim(SESSION_KEY, 10 gwei, 10 gwei);
        vm.prank(payer);
        inference.acknowledgeTEESigner(provider, true);
        assertEq(_claim(SESSION_KEY, 20 gwei, 20 gwei), 10 gwei);
    }

    function _delegate(uint256 key, uint96 cap, uint40 until) private {
        bytes memory signature = _delegationSignature(key, payer, session, cap, until);
        inference.delegateSession(provider, payer, session, cap, until, _proof(cap, until), signature);
    }

    function _proof(uint96 cap, uint40 until) private view returns (bytes memory) {
        return _delegationSignature(SESSION_KEY, payer, session, cap, until);
    }

    function _claim(uint256 key, uint96 claimed, uint96 signed) private returns (uint256) {
        bytes memory row = _voucherRow(key, claimed, signed);
        vm.prank(provider);
        return inference.settleVouchers(provider, row);
    }
}
