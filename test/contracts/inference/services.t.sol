// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {IServingAdditions} from "../../../contracts/interfaces/IServingAdditions.sol";
import {ISignerRotation} from "../../../contracts/interfaces/ISignerRotation.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {IStakes} from "../../../contracts/interfaces/IStakes.sol";
import {ServingParameters} from "../../../contracts/interfaces/ServingParameters.sol";
import {Fixture} from "../utils/Fixture.sol";

contract InferenceServicesTest is Fixture {
    address private owner = makeAddr("owner");

    function test_addOrUpdateService_RevertWhen_TheNoteIsTooLong() external {
        IInferenceTypes.ServiceParams memory p = _params(tee);
        p.additionalInfo = string(new bytes(4097));
        vm.expectRevert(IServingCommon.AdditionalInfoTooLong.selector);
        inference.addOrUpdateService(p);
    }

    function testFuzz_addOrUpdateService_RevertWhen_TooLittleStake(uint256 value) external {
        value = bound(value, 0, MIN_STAKE - 1);
        vm.deal(bob, MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.InsufficientStake.selector, value, MIN_STAKE));
        vm.prank(bob);
        inference.addOrUpdateService{value: value}(_params(tee));
    }

    function testFuzz_addOrUpdateService_Registers(uint256 value) external {
        value = bound(value, MIN_STAKE, 900 ether);
        vm.expectEmit(address(inference));
        emit IServingCommon.ProviderStaked(bob, value);
        vm.prank(bob);
        inference.addOrUpdateService{value: value}(_params(tee));

        IInferenceTypes.Service memory service = inference.getService(bob);
        assertEq(service.provider, bob);
        assertEq(service.serviceType, "chatbot");
        assertEq(service.url, "https://provider.example");
        assertEq(service.model, "demo");
        assertEq(service.verifiability, "TeeML");
        assertEq(service.inputPrice, 10);
        assertEq(service.outputPrice, 20);
        assertEq(service.updatedAt, block.timestamp);
        assertEq(service.teeSignerAddress, tee);
        assertTrue(service.teeSignerAcknowledged);
        assertTrue(inference.serviceExists(bob));
        (uint256 staked,) = stakes.stakeOf(address(inference), bob);
        assertEq(staked, value);
        assertEq(address(inference).balance, 0);
        (IInferenceTypes.Service[] memory all, uint256 total) = inference.getAllServices(1, 0);
        assertEq(total, 2);
        assertEq(all.length, 1);
        assertEq(all[0].provider, bob);
    }

    function test_addOrUpdateService_RevertGiven_AStakeAndValue() external {
        vm.expectRevert(IServingCommon.CannotAddStakeWhenUpdating.selector);
        vm.prank(provider);
        inference.addOrUpdateService{value: 1}(_params(tee));
    }

    function test_addOrUpdateService_KeepsTheOwnersAcknowledgementOnPriceAndUrl() external {
        _owned();
        IInferenceTypes.ServiceParams memory p = _params(tee);
        p.inputPrice = 99;
        p.url = "https://elsewhere.example";
        vm.prank(provider);
        inference.addOrUpdateService(p);
        assertTrue(inference.getService(provider).teeSignerAcknowledged);
    }

    function testFuzz_addOrUpdateService_TakesTheOwnersAcknowledgementBack(uint256 field) external {
        _owned();
        IInferenceTypes.ServiceParams memory p = _params(tee);
        field = bound(field, 0, 4);
        if (field == 0) p.serviceType = "other";
        if (field == 1) p.model = "other";
        if (field == 2) p.verifiability = "other";
        if (field == 3) p.additionalInfo = "other";
        if (field == 4) p.teeSignerAddress = bob;
        vm.prank(provider);
        inference.addOrUpdateService(p);
        assertFalse(inference.getService(provider).teeSignerAcknowledged);
    }

    function test_addOrUpdateService_GivesANumberBack() external {
        _fund(alice, provider, INFERENCE, 1);
        vm.startPrank(provider);
        inference.addOrUpdateService(_params(bob));
        (address signer, uint256 version) = inference.signerOf(provider);
        assertEq(signer, bob);
        assertEq(version, 2);
        vm.expectEmit(address(inference));
        emit ISignerRotation.SignerRotated(provider, tee, 1);
        inference.addOrUpdateService(_params(tee));
        assertTrue(_account(alice).acknowledged);
        inference.addOrUpdateService(_params(alice));
        (, version) = inference.signerOf(provider);
        assertEq(version, 3);
    }

    function test_addOrUpdateService_RevertGiven_1023Signers() external {
        vm.startPrank(provider);
        for (uint160 i = 2; i <= 1023; ++i) {
            inference.addOrUpdateService(_params(address(i << 20)));
        }
        vm.expectRevert(abi.encodeWithSelector(ISignerRotation.TooManySigners.selector, provider, 1023));
        inference.addOrUpdateService(_params(alice));
    }

    function test_removeService_RevertGiven_NoService() external {
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.ServiceNotExist.selector, alice));
        vm.prank(alice);
        inference.removeService();
    }

    /// W-18: the stake leaves after a delay.
    function test_W18_removeService_ThenWithdrawStake() external {
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IStakes.NotExiting.selector, address(inference), provider));
        inference.withdrawStake();

        vm.expectEmit(address(inference));
        emit IInferenceTypes.ServiceRemoved(provider);
        inference.removeService();
        assertFalse(inference.serviceExists(provider));
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.ServiceNotExist.selector, provider));
        inference.getService(provider);
        uint256 withdrawable = block.timestamp + LOCK;
        vm.expectRevert(abi.encodeWithSelector(IStakes.ExitNotOver.selector, block.timestamp, withdrawable));
        inference.withdrawStake();

        vm.warp(withdrawable);
        uint256 before = provider.balance;
        vm.expectEmit(address(inference));
        emit IServingCommon.ProviderStakeReturned(provider, MIN_STAKE);
        inference.withdrawStake();
        assertEq(provider.balance, before + MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(IStakes.NoStake.selector, address(inference), provider));
        inference.withdrawStake();
    }

    function test_removeService_ThenRegisterAgain_EndsTheExit() external {
        vm.startPrank(provider);
        inference.removeService();
        inference.addOrUpdateService(_params(tee));
        (uint256 staked, uint256 withdrawableAt) = stakes.stakeOf(address(inference), provider);
        assertEq(staked, MIN_STAKE);
        assertEq(withdrawableAt, 0);
        (, uint256 version) = inference.signerOf(provider);
        assertEq(version, 1);
    }

    function test_owner_Acknowledges() external {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, alice));
        vm.prank(alice);
        inference.acknowledgeTEESignerByOwner(provider);
        _deploy(owner);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.ServiceNotExist.selector, provider));
        inference.acknowledgeTEESignerByOwner(provider);
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.ServiceNotExist.selector, provider));
        inference.revokeTEESignerAcknowledgement(provider);
        vm.stopPrank();

        _registerInference(provider, tee);
        assertFalse(inference.getService(provider).teeSignerAcknowledged);
        vm.startPrank(owner);
        vm.expectEmit(address(inference));
        emit IServingCommon.ProviderTEESignerAcknowledged(provider, tee, true);
        inference.acknowledgeTEESignerByOwner(provider);
        vm.expectEmit(address(inference));
        emit IServingCommon.ProviderTEESignerAcknowledged(provider, tee, false);
        inference.revokeTEESignerAcknowledgement(provider);
        assertFalse(inference.getService(provider).teeSignerAcknowledged);
    }

    function test_getAllServices_RevertWhen_TheLimitIsTooLarge() external {
        vm.expectRevert(abi.encodeWithSelector(IInferenceTypes.LimitTooLarge.selector, 51, 50));
        inference.getAllServices(0, 51);
    }

    /// W-12, W-17, W-22: nothing to initialise, nothing to change.
    function test_W12_W17_W22_ParametersAreFixed() external {
        vm.expectRevert(IServingCommon.AlreadyInitialized.selector);
        inference.initialize(1 days, alice, alice);
        vm.expectRevert(IServingAdditions.FixedAtDeployment.selector);
        inference.updateLockTime(2 hours);
        assertTrue(inference.initialized());
        assertEq(inference.MIN_LOCKTIME(), 1 hours);
        assertEq(inference.MAX_LOCKTIME(), 7 days);
        assertEq(inference.MIN_PROVIDER_STAKE(), MIN_STAKE);
        assertEq(inference.ledgerAddress(), address(ledger));
    }

    function test_constructor_RevertWhen_AParameterIsOutOfRange() external {
        ServingParameters memory p = _parameters(address(0));
        p.lockTime = 59 minutes;
        _expectCreateReverts(
            p,
            abi.encodeWithSelector(IInferenceTypes.LockTimeOutOfRange.selector, p.lockTime, 1 hours, 7 days)
        );
        p.lockTime = 7 days + 1;
        _expectCreateReverts(
            p,
            abi.encodeWithSelector(IInferenceTypes.LockTimeOutOfRange.selector, p.lockTime, 1 hours, 7 days)
        );
        p = _parameters(address(0));
        p.minProviderStake = 0;
        _expectCreateReverts(p, abi.encodeWithSelector(IServingCommon.InsufficientStake.selector, 0, 1));
    }

    function _expectCreateReverts(ServingParameters memory p, bytes memory reason) private {
        assertEq(_createReason("InferenceServing.sol:InferenceServing", abi.encode(p)), reason);
    }

    function _owned() private {
        _deploy(owner);
        _registerInference(provider, tee);
        vm.prank(owner);
        inference.acknowledgeTEESignerByOwner(provider);
    }
}
