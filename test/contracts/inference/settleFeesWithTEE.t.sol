// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {ServingParameters} from "../../../contracts/interfaces/ServingParameters.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Inference} from "../utils/Network.sol";

contract SettleFeesWithTEETest is Fixture {
    IInferenceTypes.SettlementStatus private constant SUCCESS = IInferenceTypes.SettlementStatus.SUCCESS;
    IInferenceTypes.SettlementStatus private constant PARTIAL = IInferenceTypes.SettlementStatus.PARTIAL;

    function test_RevertWhen_NoRowsOrTooMany() external {
        vm.expectRevert(IInferenceTypes.NoSettlementsProvided.selector);
        inference.settleFeesWithTEE(new IInferenceTypes.TEESettlementData[](0));
        vm.expectRevert(abi.encodeWithSelector(IInferenceTypes.TooManySettlements.selector, 51, 50));
        inference.settleFeesWithTEE(new IInferenceTypes.TEESettlementData[](51));
    }

    function test_RevertWhen_ThePaymentIsRefused() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.etch(provider, hex"60006000fd");
        IInferenceTypes.TEESettlementData[] memory rows = new IInferenceTypes.TEESettlementData[](1);
        rows[0] = _row(alice, 5, 1);
        vm.expectRevert(IInferenceTypes.TransferFailed.selector);
        vm.prank(provider);
        inference.settleFeesWithTEE(rows);
    }

    function test_WhenTheRowNamesAnotherProvider() external {
        _fund(alice, provider, INFERENCE, 5);
        IInferenceTypes.TEESettlementData[] memory rows = new IInferenceTypes.TEESettlementData[](1);
        rows[0] = _row(alice, 5, 1);
        vm.prank(bob);
        assertEq(
            uint256(inference.settleFeesWithTEE(rows)[0]),
            uint256(IInferenceTypes.SettlementStatus.PROVIDER_MISMATCH)
        );
    }

    function test_GivenNoSubAccount() external {
        _expect(_row(alice, 5, 1), IInferenceTypes.SettlementStatus.INVALID_SIGNATURE);
    }

    function test_GivenNoService() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.prank(provider);
        inference.removeService();
        _expect(_row(alice, 5, 1), IInferenceTypes.SettlementStatus.PROVIDER_MISMATCH);
    }

    function test_GivenTheUserAcknowledgesNoSigner() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.prank(provider);
        inference.addOrUpdateService(_params(vm.addr(OTHER_KEY)));
        _expect(_signedRow(OTHER_KEY, alice, provider, 5, 1), IInferenceTypes.SettlementStatus.NO_TEE_SIGNER);
    }

    function test_GivenTheNetworkAcknowledgesNoSigner() external {
        _deploy(address(this));
        _registerInference(provider, tee);
        _fund(alice, provider, INFERENCE, 5);
        _expect(_row(alice, 5, 1), IInferenceTypes.SettlementStatus.NO_TEE_SIGNER);
        inference.acknowledgeTEESignerByOwner(provider);
        _expect(_row(alice, 5, 1), SUCCESS);
    }

    /// W-03: the owner's word is for the signer that was there.
    function test_W03_AnotherSigner_IsNotAcknowledgedByTheNetwork() external {
        _deploy(address(this));
        _registerInference(provider, tee);
        inference.acknowledgeTEESignerByOwner(provider);
        vm.prank(provider);
        inference.addOrUpdateService(_params(vm.addr(OTHER_KEY)));
        _fund(alice, provider, INFERENCE, 5);
        _expect(_signedRow(OTHER_KEY, alice, provider, 5, 1), IInferenceTypes.SettlementStatus.NO_TEE_SIGNER);
    }

    function test_GivenAServiceWithoutSigner() external {
        _registerInference(bob, address(0));
        _fund(alice, bob, INFERENCE, 5);
        _expect(_signedRow(TEE_KEY, alice, bob, 5, 1), IInferenceTypes.SettlementStatus.NO_TEE_SIGNER);
    }

    function testFuzz_Nonce(uint256 first, uint256 second) external {
        first = bound(first, 1, type(uint112).max);
        _fund(alice, provider, INFERENCE, 5);
        _expect(_row(alice, 1, first), SUCCESS);
        bool higher = second > first && second <= type(uint112).max;
        _expect(_row(alice, 1, second), higher ? SUCCESS : IInferenceTypes.SettlementStatus.INVALID_NONCE);
    }

    /// W-10: a nonce that would end the pair for ever is refused.
    function test_W10_TheLargestNonceEndsNothing() external {
        _fund(alice, provider, INFERENCE, 5);
        _expect(_row(alice, 1, type(uint256).max), IInferenceTypes.SettlementStatus.INVALID_NONCE);
        _expect(_row(alice, 1, 1), SUCCESS);
    }

    function testFuzz_WhenAnyByteOfTheSignatureIsFlipped(uint256 at, uint8 flip) external {
        vm.assume(flip != 0);
        _fund(alice, provider, INFERENCE, 5);
        IInferenceTypes.TEESettlementData memory row = _row(alice, 5, 1);
        at = bound(at, 0, 64);
        row.signature[at] = bytes1(uint8(row.signature[at]) ^ flip);
        _expect(row, IInferenceTypes.SettlementStatus.INVALID_SIGNATURE);
    }

    function testFuzz_WhenAnyFieldDiffers(uint256 field) external {
        _fund(alice, provider, INFERENCE, 50);
        _fund(bob, provider, INFERENCE, 50);
        IInferenceTypes.TEESettlementData memory row = _row(alice, 5, 1);
        field = bound(field, 0, 3);
        if (field == 0) row.user = bob;
        if (field == 1) row.totalFee = 6;
        if (field == 2) row.nonce = 2;
        if (field == 3) row.requestsHash = keccak256("others");
        _expect(row, IInferenceTypes.SettlementStatus.INVALID_SIGNATURE);
    }

    function test_WhenTheSignatureHasAnotherForm() external {
        _fund(alice, provider, INFERENCE, 5);
        IInferenceTypes.TEESettlementData memory row = _row(alice, 5, 1);
        bytes memory good = row.signature;
        bytes32 r;
        bytes32 s;
        assembly ("memory-safe") {
            r := mload(add(good, 32))
            s := mload(add(good, 64))
        }
        uint8 v = uint8(good[64]);
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes[4] memory bad = [
            bytes(""),
            abi.encodePacked(r, bytes32(uint256(s) | (uint256(v - 27) << 255))), // compact
            abi.encodePacked(r, s, v - 27),
            abi.encodePacked(r, bytes32(n - uint256(s)), v == 27 ? uint8(28) : uint8(27)) // high s
        ];
        for (uint256 i; i < bad.length; ++i) {
            row.signature = bad[i];
            _expect(row, IInferenceTypes.SettlementStatus.INVALID_SIGNATURE);
        }
        row.signature = good;
        _expect(row, SUCCESS);
    }

    function testFuzz_Pays(uint256 balance, uint256 fee) external {
        balance = bound(balance, 1, 100 ether);
        fee = bound(fee, 0, 200 ether);
        _fund(alice, provider, INFERENCE, balance);
        uint256 paid = fee < balance ? fee : balance;
        uint256 before = provider.balance;
        _expect(_row(alice, fee, 9), fee <= balance ? SUCCESS : PARTIAL);
        assertEq(provider.balance, before + paid);
        assertEq(_account(alice).balance, balance - paid);
        assertEq(_account(alice).nonce, 9);
        assertEq(_total(alice), balance - paid);
        // W-09: what was not paid needs a new signature, as on the deployed network.
        _expect(_row(alice, fee, 9), IInferenceTypes.SettlementStatus.INVALID_NONCE);
    }

    function testFuzz_TakesFreeMoneyThenRefundsNewestFirst(uint256 fee) external {
        fee = bound(fee, 1, 10);
        _fund(alice, provider, INFERENCE, 10);
        vm.startPrank(address(ledger));
        inference.requestRefund(alice, provider, 3);
        inference.requestRefund(alice, provider, 4);
        vm.stopPrank();
        _settle(_row(alice, fee, 1));
        IInferenceTypes.Account memory account = _account(alice);
        uint256 fromRefunds = fee > 3 ? fee - 3 : 0;
        assertEq(account.balance, 10 - fee);
        assertEq(account.pendingRefund, 7 - fromRefunds);
        if (fromRefunds < 4) assertEq(account.refunds[0].amount, 3);
    }

    function test_LogsInTheDeployedOrder() external {
        _fund(alice, provider, INFERENCE, 5);
        vm.expectEmit(address(ledger));
        emit ILedgerManager.FundSpent(alice, address(inference), 5);
        vm.expectEmit(address(inference));
        emit IServingCommon.BalanceUpdated(alice, provider, 0, 0);
        vm.expectEmit(address(inference));
        emit IInferenceTypes.TEESettlementResult(alice, PARTIAL, 2);
        _settle(_row(alice, 7, 1));
    }

    function test_ABadRowStopsNoOther() external {
        _fund(alice, provider, INFERENCE, 5);
        _fund(bob, provider, INFERENCE, 5);
        IInferenceTypes.TEESettlementData[] memory rows = new IInferenceTypes.TEESettlementData[](3);
        rows[0] = _row(alice, 5, 0);
        rows[1] = _row(bob, 3, 1);
        rows[2] = _row(bob, 3, 2);
        (
            address[] memory failed,
            IInferenceTypes.SettlementStatus[] memory reasons,
            address[] memory partials,
        ) = this.preview(rows);
        assertEq(failed, _one(alice));
        assertEq(reasons.length, 1);
        assertEq(partials.length, 0); // each row by itself
        vm.prank(provider);
        IInferenceTypes.SettlementStatus[] memory statuses = inference.settleFeesWithTEE(rows);
        assertEq(uint256(statuses[0]), uint256(IInferenceTypes.SettlementStatus.INVALID_NONCE));
        assertEq(uint256(statuses[1]), uint256(SUCCESS));
        assertEq(uint256(statuses[2]), uint256(PARTIAL));
    }

    function testFuzz_preview(uint256 balance, uint256 fee) external {
        balance = bound(balance, 1, 100);
        fee = bound(fee, 1, 200);
        _fund(alice, provider, INFERENCE, balance);
        IInferenceTypes.TEESettlementData[] memory rows = new IInferenceTypes.TEESettlementData[](1);
        rows[0] = _row(alice, fee, 1);
        (,, address[] memory partials, uint256[] memory amounts) = this.preview(rows);
        assertEq(partials.length, fee > balance ? 1 : 0);
        if (fee > balance) assertEq(amounts[0], fee - balance);
    }

    function preview(IInferenceTypes.TEESettlementData[] memory rows)
        external
        returns (
            address[] memory,
            IInferenceTypes.SettlementStatus[] memory,
            address[] memory,
            uint256[] memory
        )
    {
        vm.prank(provider);
        return inference.previewSettlementResults(rows);
    }

    /// The golden vector of the specification, section 2.1: the signature made for mainnet settles here.
    function test_GoldenVector() external {
        vm.chainId(16_661);
        ledger = _newLedger(address(this));
        inference = Inference(0x47340d900bdFec2BD393c626E12ea0656F938d84);
        ServingParameters memory p = _parameters(address(0));
        deployCodeTo("InferenceServing.sol:InferenceServing", abi.encode(p), address(inference));
        ledger.registerService("inference", "v1.0", address(inference), "");
        address who = 0x5FbDB2315678afecb367f032d93F642f64180aa3;
        address user = 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266;
        _registerInference(who, 0x70997970C51812dc3A010C7d01b50e0d17dc79C8);
        _fund(user, who, INFERENCE, 123_456_789);
        assertEq(
            _digest(
                address(inference),
                "0G Inference Serving",
                bytes32(0xaf8ff30e593cca438d2b877b448b659840b629923b5024dc7d9aece8ce8b4664)
            ),
            0x27d3cec59b2d4e10a5e23b3dc486d3d48a92f3777a4621c8f1d7363fc53486a7
        );
        _expect(
            IInferenceTypes.TEESettlementData(
                user,
                who,
                123_456_789,
                0x333aac39186d3b62ace6a42d52a0efc9012043512346ae4db05d4b3433163522,
                1_700_000_000_000,
                hex"5a11578d539994c1bb6a4fee431b4db02a54239b3f21083805751f93682932690cf0f47efeb41863ffddade8c25260a275abe0ec4f2d300051743de9fc0b1c741b"
            ),
            SUCCESS
        );
    }

    function _expect(IInferenceTypes.TEESettlementData memory row, IInferenceTypes.SettlementStatus status)
        private
    {
        assertEq(uint256(_settle(row)), uint256(status));
    }
}
