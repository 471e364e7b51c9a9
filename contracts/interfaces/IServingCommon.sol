// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What both serving contracts share of the deployed ABI.
interface IServingCommon {
    event AccountDeleted(address indexed user, address indexed provider, uint256 refundedAmount);
    event BalanceUpdated(
        address indexed user, address indexed provider, uint256 amount, uint256 pendingRefund
    );
    event Initialized(uint8 version);
    event LockTimeUpdated(uint256 oldLockTime, uint256 newLockTime);
    event ProviderStaked(address indexed provider, uint256 amount);
    event ProviderStakeReturned(address indexed provider, uint256 amount);
    event ProviderTEESignerAcknowledged(
        address indexed provider, address indexed teeSignerAddress, bool acknowledged
    );
    event RefundRequested(
        address indexed user, address indexed provider, uint256 indexed index, uint256 timestamp
    );

    error AccountExists(address user, address provider);
    error AccountNotExists(address user, address provider);
    error AdditionalInfoTooLong();
    error AlreadyInitialized();
    error CannotAddStakeWhenUpdating();
    error CannotRevokeWithNonZeroBalance(address user, address provider, uint256 balance);
    error DirectDepositsDisabled();
    error InsufficientStake(uint256 provided, uint256 required);
    error InvalidAddress(address addr);
    error ProviderCannotBeUser();
    error ServiceNotExist(address provider);
    error TooManyRefunds(address user, address provider);

    /// @notice The ledger that fills the sub-accounts.
    function ledgerAddress() external view returns (address);

    /// @notice Seconds between a refund's request and its payment.
    function lockTime() external view returns (uint256);
}
