// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The stakes of providers, one per serving contract and provider.
/// @notice A serving contract answers for its own providers only: it is `msg.sender`, so no list of trusted
/// contracts is needed, and a hostile one reaches no stake but those deposited through itself.
interface IStakes {
    /// @notice `amount` was added; the stake is now `total`.
    event StakeAdded(address indexed service, address indexed provider, uint256 amount, uint256 total);
    /// @notice The exit began; the stake can be withdrawn from `withdrawableAt` (unix seconds).
    event ExitStarted(address indexed service, address indexed provider, uint256 withdrawableAt);
    event ExitCancelled(address indexed service, address indexed provider);
    event StakeWithdrawn(address indexed service, address indexed provider, uint256 amount);

    error NoStake(address service, address provider);
    error NotExiting(address service, address provider);
    error ExitNotOver(uint256 now_, uint256 withdrawableAt);
    error StakeTransferFailed(address provider, uint256 amount);

    /// @notice Seconds between the start of an exit and the withdrawal.
    function exitDelay() external view returns (uint256);

    /// @notice A provider's stake, and from when it can be withdrawn (0: no exit under way).
    function stakeOf(address service, address provider)
        external
        view
        returns (uint256 amount, uint256 withdrawableAt);

    /// @notice The end of an open claim window (unix seconds), during which nothing leaves; 0: none.
    function frozenUntil(address service, address provider) external view returns (uint256);

    /// @notice Adds `msg.value` to the stake of `provider` with the calling service.
    function deposit(address provider) external payable;

    /// @notice Adds `msg.value` to a stake that exists. Anyone may.
    function topUp(address service, address provider) external payable;

    /// @notice Starts the exit of `provider`. For the service.
    function startExit(address provider) external;

    /// @notice Ends an exit under way. For the service.
    function cancelExit(address provider) external;

    /// @notice Pays the stake to `provider` after the delay. For the service.
    function withdraw(address provider) external returns (uint256 amount);
}
