// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILedgerAdditions} from "../../../contracts/interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Ledger} from "../utils/Network.sol";

/// A user that withdraws again while it is being paid.
contract Reentrant {
    Ledger private immutable _ledger;
    bool public reached;

    constructor(Ledger ledger) payable {
        _ledger = ledger;
        ledger.depositFund{value: msg.value}();
    }

    function withdraw(uint256 amount) external {
        _ledger.refund(amount);
    }

    receive() external payable {
        reached = true;
        try _ledger.refund(1 ether) {} catch {}
    }
}

/// A user that cannot be paid.
contract Refusing {
    constructor(Ledger ledger) payable {
        ledger.depositFund{value: msg.value}();
    }

    function withdraw(Ledger ledger, uint256 amount) external {
        ledger.refund(amount);
    }
}

contract RefundTest is Fixture {
    function test_refund_RevertGiven_NoLedger() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        vm.prank(alice);
        ledger.refund(0);
    }

    function testFuzz_refund_RevertWhen_MoreThanAvailable(uint256 amount, uint256 extra) external {
        amount = bound(amount, 1, 500 ether);
        extra = bound(extra, 1, type(uint256).max - amount);
        vm.startPrank(alice);
        ledger.depositFund{value: amount}();
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InsufficientBalance.selector, alice));
        ledger.refund(amount + extra);
    }

    function test_refund_RevertWhen_ThePaymentIsRefused() external {
        Refusing user = new Refusing{value: 2 ether}(ledger);
        vm.expectRevert(ILedgerManager.TransferFailed.selector);
        user.withdraw(ledger, 1 ether);
    }

    function test_refund_WhenCalledBack_ItPaysOnlyWhatIsThere() external {
        Reentrant user = new Reentrant{value: 2 ether}(ledger);
        vm.prank(alice);
        ledger.depositFund{value: 10 ether}();
        user.withdraw(2 ether);
        assertTrue(user.reached());
        assertEq(address(user).balance, 2 ether);
        assertEq(address(ledger).balance, 10 ether);
    }

    function testFuzz_W27_refund_KeepsTheLedger(uint256 amount, uint256 part) external {
        amount = bound(amount, 2, 500 ether);
        part = bound(part, 1, amount - 1);
        vm.startPrank(alice);
        ledger.depositFund{value: amount}();
        uint256 before = alice.balance;
        vm.expectEmit(address(ledger));
        emit ILedgerAdditions.Withdrawn(alice, part);
        ledger.refund(part);
        assertEq(alice.balance, before + part);
        assertEq(_available(alice), amount - part);
    }

    function test_refund_GivenMoneyInSubAccounts_ItKeepsTheLedger() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.startPrank(alice);
        ledger.depositFund{value: 7}();
        ledger.refund(7);
        assertEq(_available(alice), 0);
        assertEq(_total(alice), 5);
    }

    function test_refund_GivenNothingLeft_ItClosesLedgerAndSubAccounts() external {
        _empty(alice);
        vm.startPrank(alice);
        vm.expectEmit(address(ledger));
        emit ILedgerAdditions.LedgerClosed(alice);
        ledger.refund(5);
        assertFalse(inference.accountExists(alice, provider));
        assertEq(ledger.providersOf(alice, address(inference)).length, 0);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        ledger.getLedger(alice);
    }

    /// W-04, W-27: dust that someone else sends blocks nothing.
    function test_W04_refund_GivenDustFromAThirdParty_ItPays() external {
        vm.prank(alice);
        ledger.depositFund{value: 4 ether}();
        vm.prank(bob);
        ledger.depositFundFor{value: 1}(alice);
        vm.startPrank(alice);
        ledger.refund(4 ether);
        assertEq(_available(alice), 1);
        ledger.refund(1);
        assertEq(address(ledger).balance, 0);
    }

    function test_deleteLedger_RevertGiven_NoLedger() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        vm.prank(alice);
        ledger.deleteLedger();
    }

    function test_deleteLedger_RevertGiven_MoneyLeft() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.MustWithdrawAllFundsFirst.selector, 5));
        vm.prank(alice);
        ledger.deleteLedger();
    }

    function test_deleteLedger_GivenEverythingWasSpent_ItCloses() external {
        _fund(alice, provider, INFERENCE, 5);
        _settle(_row(alice, 5, 1));
        vm.prank(alice);
        ledger.deleteLedger();
        assertFalse(inference.accountExists(alice, provider));
    }

    /// Alice has 5 available and empty sub-accounts.
    function _empty(address user) private {
        _fund(user, provider, INFERENCE, 5);
        _retrieve(user, provider, INFERENCE);
        vm.warp(block.timestamp + LOCK);
        _retrieve(user, provider, INFERENCE);
        assertEq(_available(user), 5);
    }
}
