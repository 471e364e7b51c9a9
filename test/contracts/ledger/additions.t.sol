// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILedgerAdditions} from "../../../contracts/interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {ISignerRotation} from "../../../contracts/interfaces/ISignerRotation.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Hostile} from "../utils/Hostile.sol";

contract LedgerAdditionsTest is Fixture {
    function test_onboard_RevertWhen_UnknownService() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ServiceNotFound.selector, bob));
        vm.prank(alice);
        ledger.onboard{value: 1}(bob, provider, tee, 1);
    }

    function test_onboard_RevertWhen_NothingIsMoved() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.MinimumDepositRequired.selector, 0, 1));
        vm.prank(alice);
        ledger.onboard{value: 1}(address(inference), provider, tee, 0);
    }

    function test_onboard_RevertWhen_TheSignerIsAnother() external {
        vm.expectRevert(abi.encodeWithSelector(ISignerRotation.SignerChanged.selector, bob, tee));
        vm.prank(alice);
        ledger.onboard{value: 1}(address(inference), provider, bob, 1);
    }

    function test_onboard_RevertWhen_NoServiceOrNoMoney() external {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.ServiceNotExist.selector, bob));
        ledger.onboard{value: 1}(address(inference), bob, tee, 1);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        ledger.onboard(address(inference), provider, tee, 1);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InsufficientAvailableBalance.selector, 1, 2));
        ledger.onboard{value: 1}(address(inference), provider, tee, 2);
    }

    function testFuzz_onboard(uint256 value, uint256 amount) external {
        value = bound(value, 1, 100 ether);
        amount = bound(amount, 1, value);
        vm.prank(alice);
        ledger.onboard{value: value}(address(inference), provider, tee, amount);
        assertEq(_available(alice), value - amount);
        assertEq(_account(alice).balance, amount);
        assertTrue(_account(alice).acknowledged);
        assertEq(ledger.getLedgerProviders(alice, INFERENCE), _one(provider));
        _settle(_row(alice, amount, 1));
        assertEq(_total(alice), value - amount);
    }

    function test_onboard_GivenASubAccount_ItAddsAndAcknowledges() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.prank(provider);
        inference.rotateSigner(bob, 0);
        vm.prank(alice);
        ledger.onboard{value: 3}(address(inference), provider, bob, 3);
        assertEq(_account(alice).balance, 8);
        assertTrue(_account(alice).acknowledged);
        assertEq(ledger.getLedgerProviders(alice, INFERENCE).length, 1);
    }

    function test_onboard_FineTuning() external {
        vm.prank(alice);
        ledger.onboard{value: 3}(address(fineTuning), provider, tee, 3);
        assertEq(_tuning(alice).balance, 3);
        assertTrue(_tuning(alice).acknowledged);
    }

    function test_onboard_RevertGiven_FiftyProvidersWithMoney() external {
        for (uint160 i = 1; i <= 50; ++i) {
            _fund(alice, address(i << 20), INFERENCE, 1);
        }
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.TooManyProvidersForService.selector, 50, 50));
        vm.prank(alice);
        ledger.onboard{value: 3}(address(inference), provider, tee, 3);
    }

    function testFuzz_requestRefund(uint256 amount) external {
        amount = bound(amount, 1, 10);
        _fund(alice, provider, INFERENCE, 10);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ServiceNotFound.selector, bob));
        ledger.requestRefund(bob, provider, amount);
        ledger.requestRefund(address(inference), provider, amount);
        assertEq(_account(alice).pendingRefund, amount);
        vm.warp(block.timestamp + LOCK);
        assertEq(inference.spendableOf(alice, provider), 10 - amount);
    }

    function test_leave_RevertGiven_NoLedger() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        vm.prank(alice);
        ledger.leave();
    }

    /// One request and one collection, whatever the number of providers.
    function testFuzz_leave(uint256 count, uint256 earned) external {
        count = bound(count, 1, 50);
        earned = bound(earned, 0, 3);
        _fund(alice, provider, INFERENCE, 3);
        _fund(alice, provider, FINE_TUNING, 3);
        for (uint160 i = 1; i < count; ++i) {
            _fund(alice, address(i << 20), INFERENCE, 3);
        }
        vm.startPrank(alice);
        ledger.depositFund{value: 7}();
        uint256 before = alice.balance;
        ledger.leave();
        assertEq(alice.balance, before + 7);
        vm.stopPrank();

        _settle(_row(alice, earned, 1)); // what was earned meanwhile is paid
        vm.warp(block.timestamp + LOCK);
        vm.prank(alice);
        ledger.leave();
        assertEq(alice.balance, before + 7 + 3 * (count + 1) - earned);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        ledger.getLedger(alice);
        assertEq(address(ledger).balance, 0);
    }

    /// W-11, W-14: a hostile service blocks nobody, not even its own user's other money.
    function testFuzz_W11_leave_GivenAHostileService(uint8 mood) external {
        ledger = _newLedger(address(this));
        inference = _newInference(_parameters(address(0)));
        ledger.registerService("inference", "v1.0", address(inference), "");
        Hostile hostile = new Hostile{value: 10 ether}(ledger);
        ledger.registerService("hostile", "v1.0", address(hostile), "");
        _registerInference(provider, tee);
        _fund(alice, provider, INFERENCE, 5);
        _fund(alice, bob, "hostile-v1.0", 1);
        hostile.setMood(Hostile.Mood(bound(mood, 0, 5)));
        _fund(bob, provider, INFERENCE, 5); // never sent it anything
        vm.prank(alice);
        ledger.depositFund{value: 7}();
        uint256 before = alice.balance;
        vm.prank(alice);
        ledger.leave();
        vm.warp(block.timestamp + LOCK);
        vm.prank(alice);
        ledger.leave();
        assertEq(alice.balance, before + 12);
        if (hostile.mood() == Hostile.Mood.CallBack) {
            assertTrue(hostile.collected());
            assertEq(hostile.answer(), abi.encodeWithSelector(ILedgerManager.LedgerLocked.selector));
        }

        assertEq(_total(bob), 5);
        uint256 gas = gasleft();
        vm.prank(bob);
        ledger.leave();
        assertLt(gas - gasleft(), 200_000);
        assertEq(address(ledger).balance, 0);
    }

    function test_W11_AHostileService_CannotSendMoneyInUnasked() external {
        ledger = _newLedger(address(this));
        Hostile hostile = new Hostile{value: 10 ether}(ledger);
        ledger.registerService("hostile", "v1.0", address(hostile), "");
        vm.prank(address(hostile));
        (bool ok,) = address(ledger).call{value: 1}("");
        assertFalse(ok);
    }

    /// Too little gas must not make an honest service look like one that fails: its money would be forgotten.
    function testFuzz_leave_WithAnyGas_ForgetsNothing(uint256 gas) external {
        gas = bound(gas, 30_000, 2_500_000);
        for (uint160 i = 1; i <= 20; ++i) {
            _fund(alice, address(i << 20), INFERENCE, 3);
        }
        vm.startPrank(alice);
        ledger.depositFund{value: 7}();
        uint256 before = alice.balance;
        try ledger.leave{gas: gas}() {
            assertEq(alice.balance, before + 7);
            assertEq(ledger.getLedger(alice).totalBalance, 60);
        } catch {
            assertEq(ledger.getLedger(alice).totalBalance, 67);
        }
    }

    function test_leave_RevertWhen_TheGasIsTooLittle() external {
        ledger = _newLedger(address(this));
        Hostile hostile = new Hostile(ledger);
        ledger.registerService("hostile", "v1.0", address(hostile), "");
        _fund(alice, bob, "hostile-v1.0", 1);
        hostile.setMood(Hostile.Mood.BurnGas);
        vm.prank(alice);
        vm.expectPartialRevert(ILedgerAdditions.MoreGasRequired.selector);
        ledger.leave{gas: 1_500_000}();
    }
}
