// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILedgerAdditions} from "../../../contracts/interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {Fixture} from "../utils/Fixture.sol";

contract DepositTest is Fixture {
    function test_addLedger_RevertWhen_NothingIsSent() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.MinimumDepositRequired.selector, 0, 1));
        ledger.addLedger("");
    }

    function test_addLedger_RevertWhen_TheNoteIsTooLong() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.AdditionalInfoTooLong.selector, 4097, 4096));
        vm.prank(alice);
        ledger.addLedger{value: 1}(string(new bytes(4097)));
    }

    function test_addLedger_RevertGiven_OpenLedger() external {
        vm.startPrank(alice);
        ledger.addLedger{value: 1}("");
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerExists.selector, alice));
        ledger.addLedger{value: 1}("");
    }

    function testFuzz_addLedger(uint256 amount, bytes calldata note) external {
        amount = bound(amount, 1, 1e27);
        vm.assume(note.length <= 4096);
        vm.deal(alice, amount);
        vm.prank(alice);
        (uint256 available, uint256 zero) = ledger.addLedger{value: amount}(string(note));
        assertEq(available, amount);
        assertEq(zero, 0);
        ILedgerManager.Ledger memory record = ledger.getLedger(alice);
        assertEq(record.user, alice);
        assertEq(record.availableBalance, amount);
        assertEq(record.totalBalance, amount);
        assertEq(record.additionalInfo, string(note));
    }

    function test_updateAdditionalInfo_RevertWhen_TheNoteIsTooLong() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.AdditionalInfoTooLong.selector, 4097, 4096));
        ledger.updateAdditionalInfo(string(new bytes(4097)));
    }

    function test_updateAdditionalInfo_RevertGiven_NoLedger() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        vm.prank(alice);
        ledger.updateAdditionalInfo("x");
    }

    function test_updateAdditionalInfo() external {
        vm.startPrank(alice);
        ledger.addLedger{value: 1}("before");
        vm.expectEmit(address(ledger));
        emit ILedgerManager.LedgerInfoUpdated(alice, "after");
        ledger.updateAdditionalInfo("after");
        assertEq(ledger.getLedger(alice).additionalInfo, "after");
    }

    function test_depositFund_RevertWhen_NothingIsSent() external {
        vm.expectRevert(ILedgerManager.ZeroAmountNotAllowed.selector);
        ledger.depositFund();
        vm.expectRevert(ILedgerManager.ZeroAmountNotAllowed.selector);
        ledger.depositFundFor(alice);
    }

    function test_depositFundFor_RevertWhen_NobodyReceives() external {
        vm.expectRevert(ILedgerManager.ZeroAddressNotAllowed.selector);
        ledger.depositFundFor{value: 1}(address(0));
    }

    function testFuzz_depositFundFor(uint256 first, uint256 second) external {
        first = bound(first, 1, 1e26);
        second = bound(second, 1, 1e26);
        vm.deal(alice, first + second);
        vm.startPrank(alice);
        vm.expectEmit(address(ledger));
        emit ILedgerAdditions.Deposited(bob, alice, first);
        ledger.depositFundFor{value: first}(bob);
        ledger.depositFundFor{value: second}(bob);
        assertEq(_available(bob), first + second);
        assertEq(_total(bob), first + second);
    }

    function test_depositFund_GivenAClosedLedger_ItIsListedOnce() external {
        vm.startPrank(alice);
        ledger.depositFund{value: 3}();
        ledger.refund(3);
        ledger.depositFund{value: 5}();
        (ILedgerManager.Ledger[] memory ledgers, uint256 total) = ledger.getAllLedgers(0, 0);
        assertEq(total, 1);
        assertEq(ledgers.length, 1);
        assertEq(ledgers[0].availableBalance, 5);
    }

    function test_receive_RevertWhen_AnyoneSends() external {
        vm.prank(alice);
        (bool ok, bytes memory reason) = address(ledger).call{value: 1}("");
        assertFalse(ok);
        assertEq(bytes4(reason), ILedgerManager.DirectDepositsDisabled.selector);
    }

    function test_initialize_Reverts() external {
        vm.expectRevert(ILedgerManager.AlreadyInitialized.selector);
        ledger.initialize(alice);
        assertTrue(ledger.initialized());
    }
}
