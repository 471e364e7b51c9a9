// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What this ledger asks of a service beside `IServing`.
/// @dev A registered service has to answer for this interface too (ERC-165).
interface IServingFunds {
    /// @notice The sum of a user's sub-accounts with `providers`, pending refunds included.
    function balancesOf(address user, address[] calldata providers) external view returns (uint256 sum);

    /// @notice The part of a sub-account that its provider may still settle: matured refunds are not.
    function spendableOf(address user, address provider) external view returns (uint256);

    /// @notice Opens a sub-account or adds to it, and acknowledges `signer`. For the ledger alone.
    /// @dev Reverts when `signer` is not the provider's signer now: `SignerChanged(named, current)`.
    /// @return opened Whether the sub-account is new.
    function onboard(address user, address provider, address signer) external payable returns (bool opened);

    /// @notice Asks back `amount` of what is not asked back yet. For the ledger alone.
    function requestRefund(address user, address provider, uint256 amount) external;
}
