// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What the ledger asks of every service: the deployed interface, ERC-165 id 0x160841b1.
/// @dev Amounts are neuron. All but the two views are for the ledger alone.
interface IServing {
    /// @notice Whether `user` has an open sub-account with `provider`.
    function accountExists(address user, address provider) external view returns (bool);

    /// @notice What of the sub-account is asked back and not yet paid out.
    function getPendingRefund(address user, address provider) external view returns (uint256);

    /// @notice Opens a sub-account with `msg.value`; acknowledges the provider's signer of this moment.
    function addAccount(address user, address provider, string memory additionalInfo) external payable;

    /// @notice Adds `msg.value` and takes back `cancelRetrievingAmount` of the pending refunds, newest first.
    function depositFund(address user, address provider, uint256 cancelRetrievingAmount) external payable;

    /// @notice Asks back all that is not asked back yet; nothing happens when that is zero.
    function requestRefundAll(address user, address provider) external;

    /// @notice Sends every refund older than the lock time to the ledger.
    /// @return totalAmount What was sent.
    /// @return balance What stays in the sub-account.
    /// @return pendingRefund What of it is still asked back.
    function processRefund(address user, address provider)
        external
        returns (uint256 totalAmount, uint256 balance, uint256 pendingRefund);

    /// @notice Closes an empty sub-account; a missing one is no error.
    function deleteAccount(address user, address provider) external;
}
