// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IFineTuningTypes} from "../../../contracts/interfaces/IFineTuningTypes.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {Fixture} from "../utils/Fixture.sol";

contract FineTuningAccountsTest is Fixture {
    function test_RevertWhen_TheCallerIsNotTheLedger() external {
        vm.expectRevert(IFineTuningTypes.CallerNotLedger.selector);
        fineTuning.addAccount(alice, provider, "");
    }

    function test_RevertWhen_TheLimitIsTooLarge() external {
        bytes memory reason = abi.encodeWithSelector(IFineTuningTypes.LimitTooLarge.selector, 51);
        vm.expectRevert(reason);
        fineTuning.getAllAccounts(0, 51);
        vm.expectRevert(reason);
        fineTuning.getAccountsByProvider(provider, 0, 51);
        vm.expectRevert(reason);
        fineTuning.getAccountsByUser(alice, 0, 51);
        vm.expectRevert(abi.encodeWithSelector(IFineTuningTypes.BatchSizeTooLarge.selector, 51, 50));
        fineTuning.getBatchAccountsByUsers(new address[](51));
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.AccountNotExists.selector, alice, provider));
        fineTuning.getAccount(alice, provider);
    }

    function testFuzz_lists(uint256 offset, uint256 limit) external {
        offset = bound(offset, 0, 9);
        limit = bound(limit, 0, 9);
        address[2] memory providers = [provider, bob];
        for (uint160 i; i < 8; ++i) {
            _fund(address((i + 1) << 20), providers[i / 4], FINE_TUNING, i + 1);
        }
        (IFineTuningTypes.AccountSummary[] memory page, uint256 total) =
            fineTuning.getAllAccounts(offset, limit);
        assertEq(total, 8);
        uint256 size = limit == 0 ? 50 : limit;
        assertEq(page.length, offset >= 8 ? 0 : 8 - offset < size ? 8 - offset : size);
        for (uint256 i; i < page.length; ++i) {
            assertEq(page[i].balance, offset + i + 1);
            assertEq(page[i].provider, providers[(offset + i) / 4]);
        }
        (page, total) = fineTuning.getAccountsByProvider(bob, 1, 2);
        assertEq(total, 4);
        assertEq(page[0].balance, 6);
        assertEq(page[1].balance, 7);
    }

    function test_summaryAndDetailsAgree() external {
        vm.prank(alice);
        ledger.addLedger{value: 10}("note");
        vm.prank(alice);
        ledger.transferFund(provider, FINE_TUNING, 10);
        _retrieve(alice, provider, FINE_TUNING);
        vm.prank(provider);
        fineTuning.addDeliverable(alice, "a", hex"aa");

        (IFineTuningTypes.AccountSummary[] memory page,) = fineTuning.getAccountsByUser(alice, 0, 0);
        IFineTuningTypes.AccountDetails memory details = _tuning(alice);
        assertEq(page[0].user, details.user);
        assertEq(page[0].provider, details.provider);
        assertEq(page[0].balance, details.balance);
        assertEq(page[0].pendingRefund, 10);
        assertEq(details.refunds[0].amount, 10);
        assertEq(page[0].additionalInfo, "note");
        assertEq(page[0].validRefundsLength, 1);
        assertEq(page[0].deliverablesCount, details.deliverables.length);
        assertEq(page[0].acknowledged, details.acknowledged);

        address[] memory users = new address[](2);
        (users[0], users[1]) = (alice, bob);
        vm.prank(provider);
        page = fineTuning.getBatchAccountsByUsers(users);
        assertEq(page[0].balance, 10);
        assertEq(page[1].user, address(0));
    }
}
