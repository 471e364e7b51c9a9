// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IDisputes} from "../../contracts/interfaces/IDisputes.sol";
import {IFineTuningTypes} from "../../contracts/interfaces/IFineTuningTypes.sol";
import {IInferenceTypes} from "../../contracts/interfaces/IInferenceTypes.sol";
import {ILedgerManager} from "../../contracts/interfaces/ILedgerManager.sol";
import {ServingParameters} from "../../contracts/interfaces/ServingParameters.sol";
import {Ledger} from "./utils/Network.sol";
import {Signed} from "./utils/Signed.sol";

contract AnyService {
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id != 0xffffffff;
    }
}

/// Branches that no ordinary history reaches.
contract EdgesTest is Signed {
    address private constant NOBODY = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant PAYER_KEY = 0xa11;
    uint256 private constant SESSION_KEY = 0x5e5;

    function test_registerService_RevertGiven_TheRegistryIsFull() external {
        Ledger owned = _newLedger(address(this));
        for (uint256 i; i < 500; ++i) {
            owned.registerService("a", vm.toString(i), address(new AnyService()), "");
        }
        address more = address(new AnyService());
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ServiceRegistryLimitReached.selector, 500));
        owned.registerService("a", "more", more, "");
    }

    /// An amount that does not fit a sub-account's 96 bits is refused, not cut.
    function test_transferFund_RevertWhen_TheBalanceDoesNotFit() external {
        uint256 half = (1 << 95) - 1;
        _fund(alice, provider, INFERENCE, half);
        _fund(alice, provider, INFERENCE, half);
        vm.deal(alice, 2);
        vm.startPrank(alice);
        ledger.depositFund{value: 2}();
        ledger.transferFund(provider, INFERENCE, 1);
        vm.expectRevert(abi.encodeWithSignature("AmountTooLarge(uint256)", uint256(1) << 96));
        ledger.transferFund(provider, INFERENCE, 1);
    }

    function test_leave_ForgetsTheAdditionalInfo() external {
        vm.startPrank(alice);
        ledger.addLedger{value: 10}("note");
        ledger.leave();
        ledger.addLedger{value: 10}("");
        assertEq(ledger.getLedger(alice).additionalInfo, "");
    }

    function test_getAccountsByProvider_PassesOverTheClosed() external {
        _fund(alice, provider, FINE_TUNING, 10);
        _fund(bob, provider, FINE_TUNING, 10);
        vm.prank(alice);
        ledger.leave();
        vm.warp(block.timestamp + LOCK);
        vm.prank(alice);
        ledger.leave();
        (IFineTuningTypes.AccountSummary[] memory page, uint256 total) =
            fineTuning.getAccountsByProvider(provider, 0, 0);
        assertEq(total, 2);
        assertEq(page.length, 1);
        assertEq(page[0].user, bob);
    }

    /// What is asked back and has not matured is spendable: the voucher cancels it.
    function test_settleVouchers_CancelsWaitingRefunds() external {
        address payer = vm.addr(PAYER_KEY);
        _fund(payer, provider, INFERENCE, 100 gwei);
        vm.startPrank(payer);
        uint40 expiry = uint40(block.timestamp + 1 days);
        address session = vm.addr(SESSION_KEY);
        bytes memory proof = _delegationSignature(SESSION_KEY, payer, session, 100 gwei, expiry);
        inference.delegateSession(provider, payer, session, 100 gwei, expiry, proof, "");
        ledger.requestRefund(address(inference), provider, 95 gwei);
        vm.stopPrank();
        bytes memory row = _voucherRow(SESSION_KEY, 50 gwei, 50 gwei);
        vm.prank(provider);
        assertEq(inference.settleVouchers(provider, row), 50 gwei);
        assertEq(_account(payer).balance, 50 gwei);
        assertEq(_account(payer).pendingRefund, 50 gwei);
    }

    /// A smaller overcharge counts no more, whatever other receipt proves it.
    function test_disputeSettlement_RevertGiven_TheAccountHasClaimed() external {
        _overcharge(alice);
        IDisputes.Receipt memory r = _receipt(alice, 52, 1);
        bytes memory signature = _signReceipt(TEE_KEY, r);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.AlreadyClaimed.selector, alice, 1));
        stakes.disputeSettlement(address(inference), r, signature);
    }

    /// Who sends the only claim has no share in the bounty: nothing of it is paid.
    function test_resolve_GivenNobodyNamedByAnother() external {
        IDisputes.Receipt memory one = _receipt(alice, 7, 5);
        IDisputes.Receipt memory two = _receipt(alice, 7, 6);
        (bytes memory a, bytes memory b) = (_signReceipt(TEE_KEY, one), _signReceipt(TEE_KEY, two));
        vm.prank(alice);
        stakes.disputeReceipts(address(inference), one, a, two, b);
        vm.warp(block.timestamp + LOCK + 1);
        stakes.resolve(address(inference), provider);
        assertEq(NOBODY.balance, MIN_STAKE);
        uint256 before = alice.balance;
        stakes.collectClaim(address(inference), provider, 1, alice);
        assertEq(alice.balance, before);
    }

    function _overcharge(address user) private {
        _fund(user, provider, INFERENCE, 10 ether);
        _batch(TEE_KEY, 50, _rowOf(user, 10 ether));
        IDisputes.Receipt memory r = _receipt(user, 51, 0);
        stakes.disputeSettlement(address(inference), r, _signReceipt(TEE_KEY, r));
    }

    /// A ledger that takes no money back: this contract.
    function test_processRefund_RevertGiven_TheLedgerRefuses() external {
        ServingParameters memory p = ServingParameters(address(this), stakes, address(0), LOCK, 1 hours, 1);
        (inference, fineTuning) = (_newInference(p), _newFineTuning(p, PENALTY));
        inference.addAccount{value: 1}(alice, provider, "");
        fineTuning.addAccount{value: 1}(alice, provider, "");
        inference.requestRefundAll(alice, provider);
        fineTuning.requestRefundAll(alice, provider);
        vm.warp(block.timestamp + LOCK);
        vm.expectRevert(IInferenceTypes.TransferFailed.selector);
        inference.processRefund(alice, provider);
        vm.expectRevert(IFineTuningTypes.TransferToLedgerFailed.selector);
        fineTuning.processRefund(alice, provider);
    }
}
