// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IInferenceTypes} from "./IInferenceTypes.sol";

/// @title Inference: services, sub-accounts, session tokens, settlement of fees signed by an enclave.
/// @notice Every selector, struct order, event and error here is the deployed network's; what it shares with
/// fine-tuning is in `IServingCommon`.
interface IInferenceServing is IInferenceTypes {
    /// @notice Registers the caller's service (`msg.value` is its stake) or updates it (no value).
    function addOrUpdateService(ServiceParams memory params) external payable;

    /// @notice Revokes one session token of the caller with `provider`.
    function revokeToken(address provider, uint8 tokenId) external;

    /// @notice Revokes several session tokens.
    function revokeTokens(address provider, uint8[] memory tokenIds) external;

    /// @notice Revokes every session token: the next ones carry the next generation.
    function revokeAllTokens(address provider) external;

    /// @notice Moves signed fees of up to 50 rows to the caller, their provider.
    /// @dev `TEESettlementResult` logs follow the order of the rows.
    function settleFeesWithTEE(TEESettlementData[] memory settlements)
        external
        returns (SettlementStatus[] memory statuses);

    /// @notice What `settleFeesWithTEE` would answer now to the caller, each row by itself.
    function previewSettlementResults(TEESettlementData[] memory settlements)
        external
        view
        returns (
            address[] memory failedUsers,
            SettlementStatus[] memory failureReasons,
            address[] memory partialUsers,
            uint256[] memory partialAmounts
        );

    function getAccount(address user, address provider) external view returns (Account memory);

    /// @notice A page of sub-accounts. Closed ones are left out but counted in `total`: advance by `limit`.
    function getAllAccounts(uint256 offset, uint256 limit)
        external
        view
        returns (Account[] memory accounts, uint256 total);

    /// @notice As `getAllAccounts`, of one provider.
    function getAccountsByProvider(address provider, uint256 offset, uint256 limit)
        external
        view
        returns (Account[] memory accounts, uint256 total);

    /// @notice As `getAllAccounts`, of one user.
    function getAccountsByUser(address user, uint256 offset, uint256 limit)
        external
        view
        returns (Account[] memory accounts, uint256 total);

    /// @notice The caller's sub-accounts with `users`; an empty struct for each that does not exist.
    function getBatchAccountsByUsers(address[] memory users) external view returns (Account[] memory accounts);

    function getService(address provider) external view returns (Service memory service);

    function getAllServices(uint256 offset, uint256 limit)
        external
        view
        returns (Service[] memory services, uint256 total);

    function serviceExists(address provider) external view returns (bool);

    /// @notice Whether the bit of `tokenId` is set in the present generation.
    function isTokenRevoked(address user, address provider, uint8 tokenId) external view returns (bool);
}
