// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IFineTuningTypes} from "./IFineTuningTypes.sol";

/// @title Fine-tuning: services, sub-accounts, deliverables and their payment.
/// @notice Every selector, struct order, event and error here is the deployed network's; what it shares with
/// inference is in `IServingCommon`.
interface IFineTuningServing is IFineTuningTypes {
    /// @notice Registers the caller's service (`msg.value` is its stake) or updates it (no value).
    function addOrUpdateService(
        string memory url,
        Quota memory quota,
        uint256 pricePerToken,
        bool occupied,
        string[] memory models,
        address teeSignerAddress
    ) external payable;

    /// @notice The caller, the provider, has delivered a model to `user`.
    /// @dev The newest one has to be acknowledged or settled. The twenty-first evicts the oldest.
    function addDeliverable(address user, string memory id, bytes memory modelRootHash) external;

    /// @notice The caller, the user, has the model.
    function acknowledgeDeliverable(address provider, string memory id) external;

    /// @notice The caller, the provider, gives up its fee for a deliverable.
    function abandonDeliverable(address user, string memory id) external;

    /// @notice Pays the caller for a deliverable and publishes its key; a share, and no key, when the user did
    /// not acknowledge it.
    function settleFees(VerifierInput memory verifierInput) external;

    function getAccount(address user, address provider) external view returns (AccountDetails memory);

    /// @notice A page of sub-accounts. Closed ones are left out but counted in `total`: advance by `limit`.
    function getAllAccounts(uint256 offset, uint256 limit)
        external
        view
        returns (AccountSummary[] memory accounts, uint256 total);

    function getAccountsByProvider(address provider, uint256 offset, uint256 limit)
        external
        view
        returns (AccountSummary[] memory accounts, uint256 total);

    function getAccountsByUser(address user, uint256 offset, uint256 limit)
        external
        view
        returns (AccountSummary[] memory accounts, uint256 total);

    /// @notice The caller's sub-accounts with `users`; an empty struct for each that does not exist.
    function getBatchAccountsByUsers(address[] memory users)
        external
        view
        returns (AccountSummary[] memory accounts);

    function getService(address provider) external view returns (Service memory service);

    function getAllServices() external view returns (Service[] memory services);

    function getDeliverable(address user, address provider, string memory id)
        external
        view
        returns (Deliverable memory);

    /// @notice Oldest first.
    function getDeliverables(address user, address provider) external view returns (Deliverable[] memory);

    /// @notice The share of a fee, in percent, that an unacknowledged deliverable costs.
    function penaltyPercentage() external view returns (uint256);
}
