// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IFineTuningTypes} from "../../../contracts/interfaces/IFineTuningTypes.sol";
import {IServingAdditions} from "../../../contracts/interfaces/IServingAdditions.sol";
import {IServingCommon} from "../../../contracts/interfaces/IServingCommon.sol";
import {ServingParameters} from "../../../contracts/interfaces/ServingParameters.sol";
import {Fixture} from "../utils/Fixture.sol";

contract FineTuningServicesTest is Fixture {
    /// W-14, W-21: texts are bounded, and there is a list by pages.
    function test_W21_RevertWhen_ATextIsTooLong() external {
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IServingAdditions.TextTooLong.selector, 2049, 2048));
        fineTuning.addOrUpdateService(string(new bytes(2049)), _quota(), 5, false, _models(), tee);

        IFineTuningTypes.Quota memory quota = _quota();
        quota.gpuType = string(new bytes(257));
        vm.expectRevert(abi.encodeWithSelector(IServingAdditions.TextTooLong.selector, 257, 256));
        fineTuning.addOrUpdateService("u", quota, 5, false, _models(), tee);

        vm.expectRevert(abi.encodeWithSelector(IServingAdditions.TextTooLong.selector, 101, 100));
        fineTuning.addOrUpdateService("u", _quota(), 5, false, new string[](101), tee);

        string[] memory models = _models();
        models[0] = string(new bytes(257));
        vm.expectRevert(abi.encodeWithSelector(IServingAdditions.TextTooLong.selector, 257, 256));
        fineTuning.addOrUpdateService("u", _quota(), 5, false, models, tee);
    }

    function test_RevertWhen_TheStakeIsWrong() external {
        vm.expectRevert(abi.encodeWithSelector(IServingCommon.InsufficientStake.selector, 1, MIN_STAKE));
        _offer(bob, tee, 1);
        vm.expectRevert(IServingCommon.CannotAddStakeWhenUpdating.selector);
        _offer(provider, tee, 1);
    }

    function test_Registers() external {
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.ServiceUpdated(bob, "https://tune.example", _quota(), 5, tee, false);
        _offer(bob, tee, MIN_STAKE);
        IFineTuningTypes.Service memory service = fineTuning.getService(bob);
        assertEq(service.provider, bob);
        assertEq(service.url, "https://tune.example");
        assertEq(service.quota.gpuType, "H100");
        assertEq(service.quota.nodeStorage, 500);
        assertEq(service.pricePerToken, 5);
        assertFalse(service.occupied);
        assertEq(service.models[0], "demo");
        assertEq(service.teeSignerAddress, tee);
        assertTrue(service.teeSignerAcknowledged);
        assertEq(fineTuning.getAllServices().length, 2);
        (IFineTuningTypes.Service[] memory page, uint256 total) = fineTuning.getServices(1, 1);
        assertEq(total, 2);
        assertEq(page[0].provider, bob);
        vm.expectRevert(abi.encodeWithSelector(IFineTuningTypes.LimitTooLarge.selector, 51));
        fineTuning.getServices(0, 51);
    }

    function test_OwnersAcknowledgement() external {
        _deploy(address(this));
        _registerFineTuning(provider, tee);
        fineTuning.acknowledgeTEESignerByOwner(provider);
        vm.prank(provider);
        fineTuning.addOrUpdateService("other", _quota(), 6, true, new string[](0), tee);
        assertTrue(fineTuning.getService(provider).teeSignerAcknowledged);
        _offer(provider, bob, 0);
        assertFalse(fineTuning.getService(provider).teeSignerAcknowledged);
    }

    function test_removeService() external {
        vm.startPrank(provider);
        vm.expectEmit(address(fineTuning));
        emit IFineTuningTypes.ServiceRemoved(provider);
        fineTuning.removeService();
        assertEq(fineTuning.getAllServices().length, 0);
        vm.warp(block.timestamp + LOCK);
        fineTuning.withdrawStake();
        assertEq(address(stakes).balance, MIN_STAKE); // the inference stake stays
    }

    function test_ParametersAreFixed() external {
        vm.expectRevert(IServingCommon.AlreadyInitialized.selector);
        fineTuning.initialize(1 days, alice, alice, 1);
        vm.expectRevert(IServingAdditions.FixedAtDeployment.selector);
        fineTuning.updateLockTime(2 hours);
        vm.expectRevert(IServingAdditions.FixedAtDeployment.selector);
        fineTuning.updatePenaltyPercentage(2);
        assertEq(fineTuning.penaltyPercentage(), PENALTY);
    }

    function test_constructor_RevertWhen_AParameterIsOutOfRange() external {
        ServingParameters memory p = _parameters(address(0));
        _expectCreateReverts(
            p, 101, abi.encodeWithSelector(IFineTuningTypes.PenaltyPercentageTooHigh.selector, 101)
        );
        p.lockTime = 1;
        _expectCreateReverts(p, 30, abi.encodeWithSelector(IFineTuningTypes.LockTimeOutOfRange.selector, 1));
        p = _parameters(address(0));
        p.ledger = alice;
        _expectCreateReverts(p, 30, abi.encodeWithSelector(IFineTuningTypes.InvalidLedgerAddress.selector));
    }

    function _expectCreateReverts(ServingParameters memory p, uint256 penalty, bytes memory reason) private {
        assertEq(_createReason("FineTuningServing.sol:FineTuningServing", abi.encode(p, penalty)), reason);
    }
}
