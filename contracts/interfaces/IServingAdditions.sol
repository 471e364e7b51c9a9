// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What both serving contracts add to the deployed ones.
interface IServingAdditions {
    /// @notice `amount` is asked back; `pendingRefund` in all.
    event RefundQueued(address indexed user, address indexed provider, uint256 amount, uint256 pendingRefund);

    /// @dev The parameter was fixed when the contract was deployed.
    error FixedAtDeployment();
    error CallerNotStakes(address caller);
    /// @dev An account with money in it stays.
    error AccountNotEmpty(address user, address provider, uint256 balance);
    error NotEnoughToRefund(uint256 available, uint256 requested);
    error TextTooLong(uint256 length, uint256 maximum);
}
