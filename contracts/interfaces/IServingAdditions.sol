// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What both serving contracts add to the deployed ones.
interface IServingAdditions {
    /// @notice `user` acknowledges `signer`, the provider's signer number `version`; zero: none.
    event SignerAcknowledged(address indexed user, address indexed provider, address signer, uint256 version);
    /// @notice The provider's signer is now `signer`, number `version`.
    event SignerRotated(address indexed provider, address indexed signer, uint256 version);
    /// @notice `amount` is asked back; `pendingRefund` in all.
    event RefundQueued(address indexed user, address indexed provider, uint256 amount, uint256 pendingRefund);

    /// @dev The parameter was fixed when the contract was deployed.
    error FixedAtDeployment();
    /// @dev An account with money in it stays.
    error AccountNotEmpty(address user, address provider, uint256 balance);
    /// @dev The provider's signer is not the one that was named.
    error SignerChanged(address named, address current);
    /// @dev Signer numbers are used up: a provider had that many signers.
    error TooManySigners(address provider, uint256 maximum);
    error NotEnoughToRefund(uint256 available, uint256 requested);
    error TextTooLong(uint256 length, uint256 maximum);

    /// @notice Pays the caller's stake out after the exit delay.
    function withdrawStake() external;

    /// @notice The part of a sub-account that its provider may still settle: matured refunds are not.
    function spendableOf(address user, address provider) external view returns (uint256);

    /// @notice The provider's signer now and its number; number 0 means that there is none.
    function signerOf(address provider) external view returns (address signer, uint256 version);
}
