// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILedgerAdditions} from "../../../contracts/interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Hostile} from "../utils/Hostile.sol";

contract TransferFundTest is Fixture {
    function test_RevertGiven_NoLedger() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.LedgerNotExists.selector, alice));
        vm.prank(alice);
        ledger.transferFund(provider, INFERENCE, 1);
    }

    function test_RevertWhen_UnknownService() external {
        vm.startPrank(alice);
        ledger.depositFund{value: 1}();
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ServiceNotFound.selector, address(0)));
        ledger.transferFund(provider, "inference-v9", 1);
    }

    function test_RevertWhen_NothingIsMovedToANewPair() external {
        vm.startPrank(alice);
        ledger.depositFund{value: 1}();
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.MinimumDepositRequired.selector, 0, 1));
        ledger.transferFund(provider, INFERENCE, 0);
    }

    function test_RevertWhen_MoreThanAvailable() external {
        vm.startPrank(alice);
        ledger.depositFund{value: 1}();
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InsufficientAvailableBalance.selector, 1, 2));
        ledger.transferFund(provider, INFERENCE, 2);
    }

    /// W-24: the service's reason comes through. W-28: fine-tuning checks the parties too.
    function test_W24_W28_RevertWhen_TheServiceRefuses() external {
        vm.startPrank(alice);
        ledger.depositFund{value: 1}();
        vm.expectRevert(IServingCommon.ProviderCannotBeUser.selector);
        ledger.transferFund(alice, FINE_TUNING, 1);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.InvalidAddress.selector, address(0)));
        ledger.transferFund(address(0), FINE_TUNING, 1);
    }

    function test_RevertWhen_TheServiceFailsWithoutAReason() external {
        ledger = _newLedger(address(this));
        Hostile hostile = new Hostile(ledger);
        ledger.registerService("hostile", "v1.0", address(hostile), "");
        hostile.setMood(Hostile.Mood.Silent);
        vm.startPrank(alice);
        ledger.depositFund{value: 1}();
        vm.expectRevert(ILedgerManager.CallFailed.selector);
        ledger.transferFund(bob, "hostile-v1.0", 1);
    }

    function testFuzz_GivenANewPair(uint256 amount) external {
        amount = bound(amount, 1, 500 ether);
        vm.startPrank(alice);
        ledger.addLedger{value: 500 ether}("note");
        vm.expectEmit(address(ledger));
        emit ILedgerAdditions.Transferred(alice, address(inference), provider, amount);
        vm.expectEmit(address(inference));
        emit IServingCommon.BalanceUpdated(alice, provider, amount, 0);
        ledger.transferFund(provider, INFERENCE, amount);
        assertEq(_account(alice).balance, amount);
        assertEq(_account(alice).additionalInfo, "note");
        assertTrue(_account(alice).acknowledged);
        assertEq(_available(alice), 500 ether - amount);
        assertEq(_total(alice), 500 ether);
        assertEq(ledger.getLedgerProviders(alice, INFERENCE), _one(provider));
    }

    function testFuzz_GivenAnExistingPair(uint256 pending, uint256 amount) external {
        pending = bound(pending, 1, 100 ether);
        amount = bound(amount, 0, 200 ether);
        _fund(alice, provider, INFERENCE, pending);
        _retrieve(alice, provider, INFERENCE);
        vm.startPrank(alice);
        ledger.depositFund{value: 200 ether}();
        ledger.transferFund(provider, INFERENCE, amount);

        uint256 cancelled = amount < pending ? amount : pending;
        assertEq(_account(alice).pendingRefund, pending - cancelled);
        assertEq(_account(alice).balance, pending + amount - cancelled);
        assertEq(_available(alice), 200 ether - (amount - cancelled));
    }

    /// W-03: a deposit gives no consent to a signer that came later.
    function test_W03_GivenAnExistingPair_ItAcknowledgesNothing() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.prank(provider);
        inference.addOrUpdateService(_params(vm.addr(OTHER_KEY)));
        assertFalse(_account(alice).acknowledged);
        _fund(alice, provider, INFERENCE, 5);
        assertFalse(_account(alice).acknowledged);
        vm.prank(alice);
        inference.acknowledgeTEESigner(provider, true);
        assertTrue(_account(alice).acknowledged);
    }

    function test_RevertGiven_FiftyProvidersWithMoney() external {
        for (uint160 i = 1; i <= 50; ++i) {
            _fund(alice, address(i << 20), INFERENCE, 1);
        }
        vm.startPrank(alice);
        ledger.depositFund{value: 1}();
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.TooManyProvidersForService.selector, 50, 50));
        ledger.transferFund(provider, INFERENCE, 1);
    }

    /// W-13: the place of an empty sub-account is free.
    function test_W13_GivenFiftyProvidersOneEmpty_ItTakesItsPlace() external {
        for (uint160 i = 1; i <= 49; ++i) {
            _fund(alice, address(i << 20), INFERENCE, 1);
        }
        _fund(alice, provider, INFERENCE, 1);
        _settle(_row(alice, 1, 1));
        address next = makeAddr("next");
        _fund(alice, next, INFERENCE, 1);
        address[] memory providers = ledger.getLedgerProviders(alice, INFERENCE);
        assertEq(providers.length, 50);
        assertEq(providers[49], next);
        assertFalse(inference.accountExists(alice, provider));
    }
}
