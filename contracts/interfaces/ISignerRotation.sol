// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Signers by number: acknowledgement, withdrawal, rotation, revocation.
/// @notice An acknowledgement is for one signer of a provider. Withdrawing it stops service from the next block
/// and settlement one lock time later; after a rotation the previous signer is good for one lock time, for
/// statements up to the number that the provider named.
interface ISignerRotation {
    /// @notice `user` acknowledges `signer`, the provider's signer number `version`; zero: none.
    event SignerAcknowledged(address indexed user, address indexed provider, address signer, uint256 version);
    /// @notice `user` withdraws the acknowledgement; what was earned can be settled until `settleableUntil`.
    event AcknowledgementWithdrawn(address indexed user, address indexed provider, uint256 settleableUntil);
    /// @notice The provider's signer is now `signer`, number `version`; zero: none.
    event SignerRotated(address indexed provider, address indexed signer, uint256 version);
    /// @notice A former signer is good until `settleableUntil`, for statements up to `lastNumber`.
    event SignerRetired(
        address indexed provider, address indexed signer, uint256 lastNumber, uint256 settleableUntil
    );
    /// @notice Nothing that `signer` signs counts any more.
    event SignerRevoked(address indexed provider, address indexed signer);

    /// @dev The provider's signer is not the one that was named.
    error SignerChanged(address named, address current);
    /// @dev A revoked signer never comes back.
    error SignerIsRevoked(address signer);
    /// @dev The address never was a signer of this provider.
    error SignerUnknown(address provider, address signer);
    /// @dev Signer numbers are used up: a provider had that many signers.
    error TooManySigners(address provider, uint256 maximum);

    /// @notice The caller's sub-account with `provider` ends its consent, whatever its balance.
    function withdrawAcknowledgement(address provider) external;

    /// @notice Acknowledges the provider's signer for the network if it is the named one. Owner only.
    function acknowledgeSigner(address provider, address signer) external;

    /// @notice Makes `signer` the caller's; the one before is good for statements up to `lastNumber`.
    function rotateSigner(address signer, uint48 lastNumber) external;

    /// @notice Ends a signer of the caller at once.
    function revokeSigner(address signer) external;

    /// @notice The provider's signer now and its number; number 0 means that there is none.
    function signerOf(address provider) external view returns (address signer, uint256 version);

    /// @notice What is known of a present or former signer of `provider`.
    /// @return version Its number; 0 when it never was one.
    /// @return retiredAt Unix seconds; 0 while it is the present one.
    /// @return lastNumber The highest number it may settle up to once retired.
    /// @return revoked Whether nothing it signs counts.
    function signerRecord(address provider, address signer)
        external
        view
        returns (uint256 version, uint256 retiredAt, uint256 lastNumber, bool revoked);
}
