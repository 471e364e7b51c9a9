// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IStakes} from "../../../contracts/interfaces/IStakes.sol";
import {Fixture} from "../utils/Fixture.sol";

contract StakesTest is Fixture {
    function testFuzz_deposit_IsPerService(uint256 amount) external {
        amount = bound(amount, 1, 500 ether);
        vm.expectEmit(address(stakes));
        emit IStakes.StakeAdded(alice, provider, amount, amount);
        vm.prank(alice); // any contract or person may be a service: for its own stakes
        stakes.deposit{value: amount}(provider);
        assertEq(_stake(alice), amount);
        assertEq(_stake(address(inference)), MIN_STAKE);
    }

    function testFuzz_topUp(uint256 amount) external {
        amount = bound(amount, 1, 500 ether);
        vm.startPrank(alice);
        stakes.topUp{value: amount}(address(inference), provider);
        assertEq(_stake(address(inference)), MIN_STAKE + amount);
        vm.expectRevert(abi.encodeWithSelector(IStakes.NoStake.selector, address(inference), bob));
        stakes.topUp{value: 1}(address(inference), bob);
    }

    function test_exit() external {
        vm.startPrank(address(inference));
        vm.expectRevert(abi.encodeWithSelector(IStakes.NoStake.selector, address(inference), bob));
        stakes.startExit(bob);
        vm.expectRevert(abi.encodeWithSelector(IStakes.NotExiting.selector, address(inference), provider));
        stakes.cancelExit(provider);
        vm.expectEmit(address(stakes));
        emit IStakes.ExitStarted(address(inference), provider, block.timestamp + LOCK);
        stakes.startExit(provider);
        vm.expectEmit(address(stakes));
        emit IStakes.ExitCancelled(address(inference), provider);
        stakes.cancelExit(provider);
    }

    function test_withdraw_RevertWhen_ThePaymentIsRefused() external {
        vm.startPrank(address(inference));
        stakes.startExit(provider);
        vm.warp(block.timestamp + LOCK);
        vm.etch(provider, hex"60006000fd");
        vm.expectRevert(abi.encodeWithSelector(IStakes.StakeTransferFailed.selector, provider, MIN_STAKE));
        stakes.withdraw(provider);
    }

    function testFuzz_withdraw(uint256 wait) external {
        wait = bound(wait, 0, 2 * LOCK);
        uint256 before = provider.balance;
        vm.startPrank(address(inference));
        stakes.startExit(provider);
        uint256 due = block.timestamp + LOCK;
        vm.warp(block.timestamp + wait);
        if (wait < LOCK) {
            vm.expectRevert(abi.encodeWithSelector(IStakes.ExitNotOver.selector, block.timestamp, due));
        }
        stakes.withdraw(provider);
        assertEq(provider.balance, before + (wait < LOCK ? 0 : MIN_STAKE));
    }

    function _stake(address service) private view returns (uint256 amount) {
        (amount,) = stakes.stakeOf(service, provider);
    }
}
