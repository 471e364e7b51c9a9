// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Inference: services, sub-accounts, session tokens, settlement of fees signed by an enclave.
/// @notice Every selector, struct order, event and error here is the deployed network's; what it shares with
/// fine-tuning is in `IServingCommon`.
interface IInferenceServing {
    struct Refund {
        uint256 index;
        uint256 amount;
        uint256 createdAt;
        bool processed;
    }

    struct Account {
        address user;
        address provider;
        uint256 nonce;
        uint256 balance;
        uint256 pendingRefund;
        Refund[] refunds;
        string additionalInfo;
        bool acknowledged;
        uint256 validRefundsLength;
        uint256 generation;
        uint256 revokedBitmap;
    }

    struct ServiceParams {
        string serviceType;
        string url;
        string model;
        string verifiability;
        uint256 inputPrice;
        uint256 outputPrice;
        string additionalInfo;
        address teeSignerAddress;
    }

    struct Service {
        address provider;
        string serviceType;
        string url;
        uint256 inputPrice;
        uint256 outputPrice;
        uint256 updatedAt;
        string model;
        string verifiability;
        string additionalInfo;
        address teeSignerAddress;
        bool teeSignerAcknowledged;
    }

    struct TEESettlementData {
        address user;
        address provider;
        uint256 totalFee;
        bytes32 requestsHash;
        uint256 nonce;
        bytes signature;
    }

    enum SettlementStatus {
        SUCCESS,
        PARTIAL,
        PROVIDER_MISMATCH,
        NO_TEE_SIGNER,
        INVALID_NONCE,
        INVALID_SIGNATURE
    }

    event AllTokensRevoked(address indexed user, address indexed provider, uint256 newGeneration);
    event BatchBalanceUpdated(address[] users, uint256[] balances, uint256[] pendingRefunds);
    event ContractInitialized(address indexed owner, uint256 lockTime, address ledgerAddress);
    event ServiceRemoved(address indexed service);
    event ServiceUpdated(
        address indexed service,
        string serviceType,
        string url,
        uint256 inputPrice,
        uint256 outputPrice,
        uint256 updatedAt,
        string model,
        string verifiability
    );
    event TEESettlementResult(address indexed user, SettlementStatus status, uint256 unsettledAmount);
    event TokenRevoked(address indexed user, address indexed provider, uint8 tokenId);
    event TokensRevoked(address indexed user, address indexed provider, uint8[] tokenIds);

    error BatchSizeTooLarge(uint256 size, uint256 max);
    error CallerNotLedger(address caller);
    error InvalidTEESignature(string reason);
    error LimitTooLarge(uint256 limit, uint256 max);
    error LockTimeOutOfRange(uint256 lockTime, uint256 min, uint256 max);
    error NoSettlementsProvided();
    error TooManySettlements(uint256 count, uint256 max);
    error TransferFailed();

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
