// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What this ledger adds to the deployed one.
interface ILedgerAdditions {
    /// @notice `amount` came into the ledger of `user`, paid by `from`.
    event Deposited(address indexed user, address indexed from, uint256 amount);
    /// @notice `amount` left the ledger of `user` for their own address.
    event Withdrawn(address indexed user, uint256 amount);
    /// @notice `amount` went from the available balance to the sub-account with `provider`.
    event Transferred(
        address indexed user, address indexed service, address indexed provider, uint256 amount
    );
    /// @notice `amount` came back from the sub-account with `provider`.
    event Retrieved(address indexed user, address indexed service, address indexed provider, uint256 amount);
    /// @notice The ledger of `user` was closed; the next deposit opens it again.
    event LedgerClosed(address indexed user);

    /// @dev A capped call ran out of gas because the transaction had too little.
    error MoreGasRequired(uint256 required);

    /// @notice Everything a first answer needs, in one transaction: `msg.value` goes into the caller's ledger,
    /// `amount` from there into the sub-account with `provider`, and `signer` is acknowledged.
    /// @dev Reverts when `signer` is not the provider's signer now. Also adds to a sub-account that exists.
    function onboard(address service, address provider, address signer, uint256 amount) external payable;

    /// @notice Asks back `amount` of what is in the sub-account with `provider` and not asked back yet.
    function requestRefund(address service, address provider, uint256 amount) external;

    /// @notice Leaves: asks everything back from every provider, collects what has matured, and pays out all that
    /// is available. Once when deciding, once more after the lock time; then the ledger is closed.
    function leave() external;

    /// @notice The providers `user` has a sub-account with at `service`.
    function providersOf(address user, address service) external view returns (address[] memory);
}
