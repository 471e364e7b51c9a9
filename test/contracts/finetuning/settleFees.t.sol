// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IFineTuningTypes} from "../../../contracts/interfaces/IFineTuningTypes.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {IServingAdditions} from "../../../contracts/interfaces/IServingAdditions.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {ServingParameters} from "../../../contracts/interfaces/ServingParameters.sol";
import {Fixture} from "../utils/Fixture.sol";
import {FineTuning} from "../utils/Network.sol";

contract SettleFeesTest is Fixture {
    function setUp() public override {
        super.setUp();
        _fund(alice, provider, FINE_TUNING, 100);
    }

    function test_RevertGiven_NoSubAccount() external {
        _expectRevert(
            _input(bob, "a", "", 1, 10),
            abi.encodeWithSelector(IServingCommon.AccountNotExists.selector, bob, provider)
        );
    }

    function test_RevertGiven_NoService() external {
        vm.prank(provider);
        fineTuning.removeService();
        _expectRevert(
            _input(alice, "a", "", 1, 10),
            abi.encodeWithSelector(IServingCommon.ServiceNotExist.selector, provider)
        );
    }

    function test_RevertGiven_NoAcknowledgement() external {
        _offer(provider, bob, 0);
        _expectRevert(_input(alice, "a", "", 1, 10), _reason("TEE signer not acknowledged"));
    }

    function test_RevertWhen_TheNonceIsNotHigher() external {
        _expectRevert(_input(alice, "a", "", 0, 10), _reason("nonce should larger than the current nonce"));
        _expectRevert(
            _input(alice, "a", "", type(uint256).max, 10),
            _reason("nonce should larger than the current nonce")
        );
    }

    function test_RevertGiven_TooLittle() external {
        _add("a");
        _acknowledge("a");
        _expectRevert(_input(alice, "a", hex"01", 1, 101), _reason("insufficient balance"));
    }

    function test_RevertGiven_NoSuchDeliverable() external {
        _expectRevert(
            _input(alice, "a", "", 1, 10),
            abi.encodeWithSelector(IFineTuningTypes.DeliverableNotExists.selector, "a")
        );
    }

    function test_RevertWhen_TheRootHashDiffers() external {
        _add("a");
        IFineTuningTypes.VerifierInput memory input = _input(alice, "a", "", 1, 10);
        input.modelRootHash = hex"ab";
        _signInput(input, TEE_KEY);
        _expectRevert(input, _reason("model root hash mismatch"));
    }

    function test_RevertWhen_TheSignatureIsNotTheSigners() external {
        _add("a");
        IFineTuningTypes.VerifierInput memory input = _input(alice, "a", "", 1, 10);
        _signInput(input, OTHER_KEY);
        _expectRevert(input, _reason("TEE settlement validation failed"));
        _signInput(input, TEE_KEY);
        input.taskFee = 9;
        _expectRevert(input, _reason("TEE settlement validation failed"));
    }

    function test_RevertWhen_TheSecretIsWrong() external {
        _add("a");
        _expectRevert(
            _input(alice, "a", hex"01", 1, 10),
            abi.encodeWithSelector(IFineTuningTypes.SecretShouldBeEmpty.selector)
        );
        _acknowledge("a");
        _expectRevert(
            _input(alice, "a", "", 1, 10),
            abi.encodeWithSelector(IFineTuningTypes.SecretShouldNotBeEmpty.selector)
        );
        _expectRevert(
            _input(alice, "a", new bytes(4097), 1, 10),
            abi.encodeWithSelector(IServingAdditions.TextTooLong.selector, 4097, 4096)
        );
    }

    function testFuzz_GivenItIsAcknowledged(uint256 fee, bytes calldata secret) external {
        fee = bound(fee, 0, 100);
        vm.assume(secret.length != 0 && secret.length <= 4096);
        _add("a");
        _acknowledge("a");
        uint256 before = provider.balance;
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.FeesSettled(alice, provider, "a", fee, true, 7);
        _settleFees(_input(alice, "a", secret, 7, fee));
        assertEq(provider.balance, before + fee);
        assertEq(_tuning(alice).balance, 100 - fee);
        assertEq(_tuning(alice).nonce, 7);
        assertEq(_total(alice), 100 - fee);
        assertEq(fineTuning.getDeliverable(alice, provider, "a").encryptedSecret, secret);
        _expectRevert(
            _input(alice, "a", secret, 8, 0),
            abi.encodeWithSelector(IFineTuningTypes.DeliverableAlreadySettled.selector, "a")
        );
    }

    /// W-01: the pair goes on after a penalty. W-25: only what is due has to be there.
    function testFuzz_W01_W25_GivenItIsNotAcknowledged(uint256 fee) external {
        fee = bound(fee, 0, 333);
        _add("a");
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.FeesSettled(alice, provider, "a", fee * PENALTY / 100, false, 1);
        _settleFees(_input(alice, "a", "", 1, fee));
        assertEq(_tuning(alice).balance, 100 - fee * PENALTY / 100);
        assertEq(fineTuning.getDeliverable(alice, provider, "a").encryptedSecret, "");
        _add("b");
        _acknowledge("b");
        _settleFees(_input(alice, "b", hex"01", 2, 0));
    }

    function test_LogsInTheDeployedOrder() external {
        _add("a");
        _acknowledge("a");
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.FeesSettled(alice, provider, "a", 40, true, 1);
        vm.expectEmit(address(ledger));
        emit ILedgerManager.FundSpent(alice, address(fineTuning), 40);
        vm.expectEmit(address(fineTuning));
        emit IServingCommon.BalanceUpdated(alice, provider, 60, 0);
        _settleFees(_input(alice, "a", hex"01", 1, 40));
    }

    function test_RevertWhen_ThePaymentIsRefused() external {
        _add("a");
        _acknowledge("a");
        vm.etch(provider, hex"60006000fd");
        _expectRevert(
            _input(alice, "a", hex"01", 1, 10),
            abi.encodeWithSelector(IFineTuningTypes.ETHTransferFailed.selector)
        );
    }

    /// The golden vector of the specification, section 2.2.
    function test_GoldenVector() external {
        vm.chainId(16_661);
        ledger = _newLedger(address(this));
        fineTuning = FineTuning(0x4e3474095518883744ddf135b7E0A23301c7F9c0);
        ServingParameters memory p = _parameters(address(0));
        deployCodeTo("FineTuningServing.sol:FineTuningServing", abi.encode(p, PENALTY), address(fineTuning));
        ledger.registerService("fine-tuning", "v1.0", address(fineTuning), "");
        _registerFineTuning(provider, 0x70997970C51812dc3A010C7d01b50e0d17dc79C8);
        address user = 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266;
        string memory id = "3f2b1c9e-8a7d-4c11-9d2e-0123456789ab";
        bytes memory root = hex"d6c66cad06fe14fdb6ce9297d80d32f24d7428996d0045cbf90cc345c677ba16";
        _fund(user, provider, FINE_TUNING, 1 ether);
        vm.prank(provider);
        fineTuning.addDeliverable(user, id, root);
        vm.prank(user);
        fineTuning.acknowledgeDeliverable(provider, id);
        assertEq(
            _digest(
                address(fineTuning),
                "0G Fine-Tuning Serving",
                0x367acf00e33ca492b79583ee2a584e3cbd818b199d943c2f063b336ac8e32d70
            ),
            0xc45ac029858237b98bedc2ff01dc51baa6dc43b055d35683230f52ea5241cb3b
        );
        _settleFees(
            IFineTuningTypes.VerifierInput(
                id,
                hex"aabbcc",
                root,
                42,
                hex"e721cbd13124591f095d3aed4a3b38e8007f535a14c77d279053a9399cf03d5c56180234e2fae1714bfb409feaaa97a234cc470bd172daab64f7d334bc916ea61c",
                1 ether,
                user
            )
        );
        assertEq(fineTuning.getDeliverable(user, provider, id).encryptedSecret, hex"aabbcc");
    }

    function _settleFees(IFineTuningTypes.VerifierInput memory input) private {
        vm.prank(provider);
        fineTuning.settleFees(input);
    }

    function _expectRevert(IFineTuningTypes.VerifierInput memory input, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(provider);
        fineTuning.settleFees(input);
    }

    function _reason(string memory text) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IFineTuningTypes.InvalidVerifierInput.selector, text);
    }

    function _add(string memory id) private {
        vm.prank(provider);
        fineTuning.addDeliverable(alice, id, hex"aa");
    }

    function _acknowledge(string memory id) private {
        vm.prank(alice);
        fineTuning.acknowledgeDeliverable(provider, id);
    }
}
