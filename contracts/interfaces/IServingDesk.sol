// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Acknowledgement by the deployed ABI, and the end of a service.
interface IServingDesk {
    /// @notice Acknowledges the provider's signer of this moment, or takes that back at balance zero.
    function acknowledgeTEESigner(address provider, bool acknowledged) external;

    /// @notice Acknowledges the provider's signer of this moment for the network. Owner only.
    function acknowledgeTEESignerByOwner(address provider) external;

    /// @notice Takes the network's acknowledgement back. Owner only.
    function revokeTEESignerAcknowledgement(address provider) external;

    /// @notice Removes the caller's service and starts the exit of its stake.
    function removeService() external;

    /// @notice Pays the caller's stake out after the exit delay.
    function withdrawStake() external;
}
