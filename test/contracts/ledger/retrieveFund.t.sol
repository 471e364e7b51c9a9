// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Vm} from "forge-std/Vm.sol";

import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {ILedgerAdditions} from "../../../contracts/interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {Fixture} from "../utils/Fixture.sol";

contract RetrieveFundTest is Fixture {
    function test_RevertWhen_TooManyProviders() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.TooManyProviders.selector, 21, 20));
        ledger.retrieveFund(new address[](21), INFERENCE);
    }

    function test_RevertWhen_UnknownService() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ServiceNotFound.selector, address(0)));
        ledger.retrieveFund(_one(provider), "nothing");
    }

    function test_RevertGiven_NoLedger() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        _retrieve(alice, provider, INFERENCE);
    }

    function test_GivenNoSubAccount_ItPassesOver() external {
        vm.prank(alice);
        ledger.depositFund{value: 1}();
        _retrieve(alice, provider, INFERENCE);
        assertEq(_total(alice), 1);
    }

    function testFuzz_RequestThenCollect(uint256 amount, uint256 spent, uint256 wait) external {
        amount = bound(amount, 1, 100 ether);
        spent = bound(spent, 0, amount);
        wait = bound(wait, 0, 3 * LOCK);
        _fund(alice, provider, INFERENCE, amount);
        _retrieve(alice, provider, INFERENCE);
        assertEq(_account(alice).pendingRefund, amount);
        _settle(_row(alice, spent, 1));
        vm.warp(block.timestamp + wait);
        _retrieve(alice, provider, INFERENCE);

        uint256 collected = wait >= LOCK ? amount - spent : 0;
        assertEq(_available(alice), collected);
        assertEq(_total(alice), amount - spent);
        assertEq(_account(alice).balance, amount - spent - collected);
    }

    function test_GivenAMaturedRequest_ItCollectsItAndAsksForTheRest() external {
        _fund(alice, provider, INFERENCE, 5);
        _retrieve(alice, provider, INFERENCE);
        vm.prank(alice);
        ledger.depositFund{value: 10}();
        vm.prank(alice);
        ledger.transferFund(provider, INFERENCE, 8);
        vm.warp(block.timestamp + LOCK);
        _retrieve(alice, provider, INFERENCE);
        IInferenceTypes.Account memory account = _account(alice);
        assertEq(account.balance, 8);
        assertEq(account.pendingRefund, 8);
        assertEq(account.refunds.length, 1);
        assertEq(account.refunds[0].createdAt, block.timestamp);

        vm.warp(block.timestamp + LOCK);
        assertEq(_available(alice), 7);
        vm.expectEmit(address(ledger));
        emit ILedgerAdditions.Retrieved(alice, address(inference), provider, 8);
        _retrieve(alice, provider, INFERENCE);
        assertEq(_available(alice), 15);
    }

    /// W-15: the sixth request joins the fifth, and nothing is logged when nothing is asked back.
    function test_W15_GivenFiveRequests_TheSixthJoinsTheNewest() external {
        _fund(alice, provider, INFERENCE, 10);
        for (uint256 i; i < 6; ++i) {
            _request(alice, 1);
            vm.warp(block.timestamp + 1);
        }
        assertEq(_account(alice).refunds.length, 5);
        assertEq(_account(alice).validRefundsLength, 5);
        assertEq(_account(alice).refunds[4].amount, 2);
        assertEq(_account(alice).refunds[4].createdAt, block.timestamp - 1);

        _retrieve(alice, provider, INFERENCE);
        vm.recordLogs();
        _retrieve(alice, provider, INFERENCE);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            assertNotEq(logs[i].topics[0], IServingCommon.RefundRequested.selector);
        }
    }

    /// W-16: what has matured is the user's alone.
    function test_W16_AMaturedRefundIsNotSpendable() external {
        _fund(alice, provider, INFERENCE, 5);
        _retrieve(alice, provider, INFERENCE);
        vm.warp(block.timestamp + LOCK);
        assertEq(inference.spendableOf(alice, provider), 0);
        assertEq(uint256(_settle(_row(alice, 5, 1))), uint256(IInferenceTypes.SettlementStatus.PARTIAL));
        _retrieve(alice, provider, INFERENCE);
        assertEq(_available(alice), 5);
    }

    function test_spendFund_RevertWhen_NotAService() external {
        vm.expectRevert(
            abi.encodeWithSelector(ILedgerManager.CallerNotRegisteredService.selector, address(this))
        );
        ledger.spendFund(alice, 1);
    }

    /// W-11: a registered service has no power over money that was not sent to it.
    function test_W11_spendFund_MovesNothing() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.expectEmit(address(ledger));
        emit ILedgerManager.FundSpent(alice, address(fineTuning), 5);
        vm.prank(address(fineTuning));
        ledger.spendFund(alice, 5);
        assertEq(_total(alice), 5);
    }

    function _request(address user, uint256 amount) private {
        vm.prank(address(ledger));
        inference.requestRefund(user, provider, amount);
    }
}
