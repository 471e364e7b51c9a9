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
    /// @notice The ledger of `user` was opened.
    event LedgerOpened(address indexed user);
    /// @notice The ledger of `user` was closed.
    event LedgerClosed(address indexed user);

    /// @dev A capped call ran out of gas because the transaction had too little.
    error MoreGasRequired(uint256 required);

    /// @notice The providers `user` has a sub-account with at `service`.
    function providersOf(address user, address service) external view returns (address[] memory);
}
