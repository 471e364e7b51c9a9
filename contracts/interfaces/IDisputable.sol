// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What `Stakes` asks of a serving contract whose signers can be disputed.
interface IDisputable {
    /// @notice The domain in which this contract's receipts are signed.
    function domainSeparator() external view returns (bytes32);

    /// @dev See IBatchSettlement.
    function settledOf(address user, address provider)
        external
        view
        returns (uint256 settled, uint256 upTo, uint256 version, uint256 mode);

    /// @dev See ISignerRotation.
    function signerRecord(address provider, address signer)
        external
        view
        returns (uint256 version, uint256 retiredAt, uint256 lastNumber, bool revoked);

    /// @notice Ends a signer that was proved to have contradicted itself. For `Stakes` alone.
    function endSigner(address provider, address signer) external;
}
