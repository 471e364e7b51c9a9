// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Fine-tuning: services, sub-accounts, deliverables and their payment.
/// @notice Every selector, struct order, event and error here is the deployed network's; what it shares with
/// inference is in `IServingCommon`.
interface IFineTuningServing {
    struct Quota {
        uint256 cpuCount;
        uint256 nodeMemory;
        uint256 gpuCount;
        uint256 nodeStorage;
        string gpuType;
    }

    struct Service {
        address provider;
        string url;
        Quota quota;
        uint256 pricePerToken;
        bool occupied;
        string[] models;
        address teeSignerAddress;
        bool teeSignerAcknowledged;
    }

    struct Deliverable {
        string id;
        bytes modelRootHash;
        bytes encryptedSecret;
        bool acknowledged;
        uint248 timestamp;
        bool settled;
    }

    struct Refund {
        uint256 index;
        uint256 amount;
        uint256 createdAt;
        bool _deprecated_processed;
    }

    struct AccountSummary {
        address user;
        address provider;
        uint256 nonce;
        uint256 balance;
        uint256 pendingRefund;
        string additionalInfo;
        uint256 validRefundsLength;
        uint256 deliverablesCount;
        bool acknowledged;
    }

    struct AccountDetails {
        address user;
        address provider;
        uint256 nonce;
        uint256 balance;
        uint256 pendingRefund;
        Refund[] refunds;
        string additionalInfo;
        Deliverable[] deliverables;
        uint256 validRefundsLength;
        uint256 deliverablesHead;
        uint256 deliverablesCount;
        bool acknowledged;
    }

    struct VerifierInput {
        string id;
        bytes encryptedSecret;
        bytes modelRootHash;
        uint256 nonce;
        bytes signature;
        uint256 taskFee;
        address user;
    }

    event DeliverableAbandoned(
        address indexed user, address indexed provider, string deliverableId, uint256 timestamp
    );
    event DeliverableAcknowledged(
        address indexed user, address indexed provider, string deliverableId, uint256 timestamp
    );
    event DeliverableAdded(
        address indexed user,
        address indexed provider,
        string deliverableId,
        bytes modelRootHash,
        uint256 timestamp
    );
    event DeliverableEvicted(
        address indexed provider,
        address indexed user,
        string evictedDeliverableId,
        string newDeliverableId,
        uint256 timestamp
    );
    event FeesSettled(
        address indexed user,
        address indexed provider,
        string deliverableId,
        uint256 fee,
        bool acknowledged,
        uint256 nonce
    );
    event ServiceRemoved(address indexed provider);
    event ServiceUpdated(
        address indexed provider,
        string url,
        Quota quota,
        uint256 pricePerToken,
        address teeSignerAddress,
        bool occupied
    );

    error BatchSizeTooLarge(uint256 size, uint256 maxSize);
    error CallerNotLedger();
    error CannotAbandonSettledDeliverable(string id);
    error CannotAcknowledgeSettledDeliverable(string id);
    error CannotEvictUnsettledDeliverable(string id);
    error DeliverableAlreadyExists(string id);
    error DeliverableAlreadySettled(string id);
    error DeliverableIdInvalidLength(uint256 length);
    error DeliverableNotExists(string id);
    error ETHTransferFailed();
    error InvalidLedgerAddress();
    error InvalidVerifierInput(string reason);
    error LimitTooLarge(uint256 limit);
    error LockTimeOutOfRange(uint256 lockTime);
    error PenaltyPercentageTooHigh(uint256 percentage);
    error PreviousDeliverableNotAcknowledged(string id);
    error SecretShouldBeEmpty();
    error SecretShouldNotBeEmpty();
    error TransferToLedgerFailed();

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
