// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {IServing} from "../../../contracts/interfaces/IServing.sol";
import {IServingAdditions} from "../../../contracts/interfaces/IServingAdditions.sol";
import {ISignerRotation} from "../../../contracts/interfaces/ISignerRotation.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {IServingFunds} from "../../../contracts/interfaces/IServingFunds.sol";
import {Fixture} from "../utils/Fixture.sol";

contract InferenceAccountsTest is Fixture {
    function test_RevertWhen_TheCallerIsNotTheLedger() external {
        bytes[7] memory calls = [
            abi.encodeCall(IServing.addAccount, (alice, provider, "")),
            abi.encodeCall(IServing.depositFund, (alice, provider, 0)),
            abi.encodeCall(IServingFunds.onboard, (alice, provider, tee)),
            abi.encodeCall(IServing.requestRefundAll, (alice, provider)),
            abi.encodeCall(IServingFunds.requestRefund, (alice, provider, 1)),
            abi.encodeCall(IServing.processRefund, (alice, provider)),
            abi.encodeCall(IServing.deleteAccount, (alice, provider))
        ];
        for (uint256 i; i < calls.length; ++i) {
            vm.prank(alice);
            (bool ok, bytes memory reason) = address(inference).call(calls[i]);
            assertFalse(ok);
            assertEq(reason, abi.encodeWithSelector(IInferenceTypes.CallerNotLedger.selector, alice));
        }
    }

    function test_addAccount_RevertGiven_Open() external {
        _fund(alice, provider, INFERENCE, 1);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.AccountExists.selector, alice, provider));
        vm.prank(address(ledger));
        inference.addAccount(alice, provider, "");
    }

    function test_addAccount_GivenOpenBefore_ItKeepsNonceAndGeneration() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.prank(alice);
        inference.revokeAllTokens(provider);
        _settle(_row(alice, 5, 7));
        vm.prank(alice);
        ledger.deleteLedger();
        _fund(alice, provider, INFERENCE, 5);

        IInferenceTypes.Account memory account = _account(alice);
        assertEq(account.nonce, 7);
        assertEq(account.generation, 1);
        assertTrue(account.acknowledged);
        (, uint256 total) = inference.getAllAccounts(0, 0);
        assertEq(total, 1);
    }

    /// W-29: an account with money in it stays.
    function test_W29_deleteAccount_RevertGiven_Money() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.expectRevert(
            abi.encodeWithSelector(IServingAdditions.AccountNotEmpty.selector, alice, provider, 5)
        );
        vm.prank(address(ledger));
        inference.deleteAccount(alice, provider);
    }

    /// W-05: a revoked token stays revoked after deletion: its generation has ended.
    function test_W05_deleteAccount_EndsTheGeneration() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.prank(alice);
        inference.revokeToken(provider, 3);
        _settle(_row(alice, 5, 1));
        vm.prank(alice);
        ledger.deleteLedger();
        _fund(alice, provider, INFERENCE, 5);
        assertEq(_account(alice).generation, 1);
        assertEq(_account(alice).revokedBitmap, 0);
    }

    function test_deleteAccount_GivenNone_ItDoesNothing() external {
        vm.prank(address(ledger));
        inference.deleteAccount(alice, provider);
    }

    function test_requestRefund_RevertWhen_TooMuchOrNothing() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.startPrank(address(ledger));
        vm.expectRevert(abi.encodeWithSelector(IServingAdditions.NotEnoughToRefund.selector, 5, 6));
        inference.requestRefund(alice, provider, 6);
        vm.expectRevert(abi.encodeWithSelector(IServingAdditions.NotEnoughToRefund.selector, 5, 0));
        inference.requestRefund(alice, provider, 0);
    }

    function test_acknowledgeTEESigner_Reverts() external {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.AccountNotExists.selector, alice, provider));
        inference.acknowledgeTEESigner(provider, true);
        vm.stopPrank();
        _fund(alice, bob, INFERENCE, 5);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.ServiceNotExist.selector, bob));
        vm.prank(alice);
        inference.acknowledgeTEESigner(bob, true);
        _fund(alice, provider, INFERENCE, 5);
        vm.expectRevert(
            abi.encodeWithSelector(IServingCommon.CannotRevokeWithNonZeroBalance.selector, alice, provider, 5)
        );
        vm.prank(alice);
        inference.acknowledgeTEESigner(provider, false);
    }

    function test_acknowledgeTEESigner_SetsAndClears() external {
        _fund(alice, provider, INFERENCE, 5);
        _settle(_row(alice, 5, 1));
        vm.startPrank(alice);
        inference.acknowledgeTEESigner(provider, false);
        assertFalse(_account(alice).acknowledged);
        vm.expectEmit(address(inference));
        emit ISignerRotation.SignerAcknowledged(alice, provider, tee, 1);
        inference.acknowledgeTEESigner(provider, true);
        assertTrue(_account(alice).acknowledged);
    }

    function test_tokens_RevertGiven_NoSubAccount() external {
        bytes memory reason =
            abi.encodeWithSelector(IServingCommon.AccountNotExists.selector, alice, provider);
        vm.startPrank(alice);
        vm.expectRevert(reason);
        inference.revokeToken(provider, 1);
        vm.expectRevert(reason);
        inference.revokeTokens(provider, new uint8[](1));
        vm.expectRevert(reason);
        inference.revokeAllTokens(provider);
        vm.expectRevert(reason);
        inference.isTokenRevoked(alice, provider, 1);
    }

    function testFuzz_tokens(uint8[] calldata tokens, uint8 probe) external {
        _fund(alice, provider, INFERENCE, 1);
        vm.startPrank(alice);
        vm.expectEmit(address(inference));
        emit IInferenceTypes.TokensRevoked(alice, provider, tokens);
        inference.revokeTokens(provider, tokens);
        bool revoked;
        for (uint256 i; i < tokens.length; ++i) {
            revoked = revoked || tokens[i] == probe;
        }
        assertEq(inference.isTokenRevoked(alice, provider, probe), revoked);
        vm.expectEmit(address(inference));
        emit IInferenceTypes.TokenRevoked(alice, provider, probe);
        inference.revokeToken(provider, probe);
        assertTrue(inference.isTokenRevoked(alice, provider, probe));
        vm.expectEmit(address(inference));
        emit IInferenceTypes.AllTokensRevoked(alice, provider, 1);
        inference.revokeAllTokens(provider);
        assertFalse(inference.isTokenRevoked(alice, provider, probe));
        assertEq(_account(alice).generation, 1);
    }

    function test_lists_RevertWhen_TheLimitIsTooLarge() external {
        bytes memory reason = abi.encodeWithSelector(IInferenceTypes.LimitTooLarge.selector, 51, 50);
        vm.expectRevert(reason);
        inference.getAllAccounts(0, 51);
        vm.expectRevert(reason);
        inference.getAccountsByProvider(provider, 0, 51);
        vm.expectRevert(reason);
        inference.getAccountsByUser(alice, 0, 51);
        vm.expectRevert(abi.encodeWithSelector(IInferenceTypes.BatchSizeTooLarge.selector, 501, 500));
        inference.getBatchAccountsByUsers(new address[](501));
    }

    /// Whatever the page size, the pages hold every open sub-account once.
    function testFuzz_lists(uint256 size, uint256 closed) external {
        size = bound(size, 1, 7);
        closed = bound(closed, 1, 4);
        address[2] memory providers = [provider, bob];
        for (uint160 i = 1; i <= 8; ++i) {
            _fund(address(i << 20), providers[i % 2], INFERENCE, i);
        }
        address gone = address(uint160(closed * 2) << 20); // an even one: with the provider that can settle
        _settle(_row(gone, closed * 2, 1));
        vm.prank(gone);
        ledger.deleteLedger();

        uint256 sum;
        uint256 count;
        for (uint256 offset; offset < 8; offset += size) {
            (IInferenceTypes.Account[] memory page, uint256 total) = inference.getAllAccounts(offset, size);
            assertEq(total, 8);
            for (uint256 i; i < page.length; ++i) {
                sum += page[i].balance;
                ++count;
            }
        }
        assertEq(count, 7);
        assertEq(sum, 36 - closed * 2);
        (IInferenceTypes.Account[] memory some, uint256 entries) =
            inference.getAccountsByProvider(provider, 0, 0);
        assertEq(entries, 4);
        assertEq(some.length, 3);
        (some, entries) = inference.getAccountsByUser(address(1 << 20), 0, 0);
        assertEq(entries, 1);
        assertEq(some[0].provider, bob);
    }

    function test_getBatchAccountsByUsers() external {
        _fund(alice, provider, INFERENCE, 5);
        address[] memory users = new address[](2);
        (users[0], users[1]) = (bob, alice);
        vm.prank(provider);
        IInferenceTypes.Account[] memory accounts = inference.getBatchAccountsByUsers(users);
        assertEq(accounts[0].user, address(0));
        assertEq(accounts[1].balance, 5);
    }

    function test_supportsInterface() external view {
        assertTrue(inference.supportsInterface(0x160841b1));
        assertTrue(inference.supportsInterface(0x01ffc9a7));
        assertTrue(inference.supportsInterface(type(IServingFunds).interfaceId));
        assertFalse(inference.supportsInterface(0xffffffff));
        assertEq(bytes32(type(IServing).interfaceId), bytes32(bytes4(0x160841b1)));
    }

    function test_receive_Reverts() external {
        vm.prank(alice);
        (bool ok, bytes memory reason) = address(inference).call{value: 1}("");
        assertFalse(ok);
        assertEq(bytes4(reason), IServingCommon.DirectDepositsDisabled.selector);
    }
}
