// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The ledger: one balance per user, from which sub-accounts with providers are filled.
/// @notice Every selector, struct order, event and error here is the deployed network's.
/// @dev Amounts are neuron (1 0G = 1e18 neuron). A user's total is computed when asked for, never stored.
interface ILedgerManager {
    struct Ledger {
        address user;
        uint256 availableBalance;
        uint256 totalBalance;
        string additionalInfo;
    }

    struct ServiceInfo {
        address serviceAddress;
        address serviceContract;
        string serviceType;
        string version;
        string fullName;
        string description;
        bool isRecommended;
        uint256 registeredAt;
    }

    event FundSpent(address indexed user, address indexed service, uint256 amount);
    event Initialized(uint8 version);
    event LedgerInfoUpdated(address indexed user, string additionalInfo);
    event RecommendedServiceUpdated(string serviceType, string version, address serviceAddress);
    event ServiceRegistered(address indexed serviceAddress, string serviceName);

    error AdditionalInfoTooLong(uint256 length, uint256 max);
    error AlreadyInitialized();
    error CallerNotRegisteredService(address caller);
    error CallFailed();
    error DirectDepositsDisabled();
    error InsufficientAvailableBalance(uint256 available, uint256 required);
    error InsufficientBalance(address user);
    error InvalidServiceAddress(address serviceAddress);
    error InvalidServiceType(string serviceType);
    error LedgerExists(address user);
    error LedgerLocked();
    error LedgerNotExists(address user);
    error MinimumDepositRequired(uint256 provided, uint256 required);
    error MustWithdrawAllFundsFirst(uint256 remainingBalance);
    error NoRecommendedService(string serviceType);
    error ServiceAlreadyRegistered(address serviceAddress);
    error ServiceMustImplementIServing(address serviceAddress);
    error ServiceNameExists(string serviceName);
    error ServiceNotFound(address serviceAddress);
    error ServiceNotRegistered(address serviceAddress);
    error ServiceRegistryLimitReached(uint256 limit);
    error ServiceTypeRequired();
    error TooManyProviders(uint256 requested, uint256 maximum);
    error TooManyProvidersForService(uint256 current, uint256 maximum);
    error TransferFailed();
    error VersionRequired();
    error ZeroAddressNotAllowed();
    error ZeroAmountNotAllowed();

    /// @notice Opens the caller's ledger with `msg.value`.
    /// @return The available balance and zero.
    function addLedger(string memory additionalInfo) external payable returns (uint256, uint256);

    /// @notice Replaces the caller's note; sub-accounts keep the copy they were opened with.
    function updateAdditionalInfo(string memory additionalInfo) external;

    /// @notice Adds `msg.value` to the caller's ledger, opening it when there is none.
    function depositFund() external payable;

    /// @notice Adds `msg.value` to the ledger of `recipient`, opening it when there is none.
    function depositFundFor(address recipient) external payable;

    /// @notice Pays `amount` of the available balance to the caller; an empty ledger is closed.
    function refund(uint256 amount) external;

    /// @notice Moves `amount` from the available balance to the sub-account with `provider`.
    /// @dev Takes back pending refunds first; only the rest leaves the available balance.
    function transferFund(address provider, string memory serviceName, uint256 amount) external;

    /// @notice Collects matured refunds of the named providers, then asks back all that remains.
    function retrieveFund(address[] memory providers, string memory serviceName) external;

    /// @notice Closes the caller's ledger, which has to be empty.
    function deleteLedger() external;

    /// @notice Logs what a registered service took of `user`'s sub-accounts. Moves nothing.
    function spendFund(address user, uint256 amount) external;

    /// @notice Adds a service under the name `serviceType-version`. Owner only.
    function registerService(
        string memory serviceType,
        string memory version,
        address serviceAddress,
        string memory description
    ) external;

    /// @notice Marks the one service of its type that clients should use. Owner only.
    function setRecommendedService(string memory serviceType, string memory version) external;

    function getLedger(address user) external view returns (Ledger memory);

    /// @notice A page of ledgers, newest first. Closed ones are left out but counted in `total`: advance by
    /// `limit`, not by what was returned.
    function getAllLedgers(uint256 offset, uint256 limit)
        external
        view
        returns (Ledger[] memory ledgers, uint256 total);

    function getLedgerProviders(address user, string memory serviceName)
        external
        view
        returns (address[] memory);

    function getServiceInfo(address serviceAddress) external view returns (ServiceInfo memory);

    function getServiceAddressByName(string memory serviceName) external view returns (address);

    function getAllActiveServices() external view returns (ServiceInfo[] memory);

    function getRecommendedService(string memory serviceType)
        external
        view
        returns (string memory version, address serviceAddress);

    function getAllVersions(string memory serviceType)
        external
        view
        returns (string[] memory versions, address[] memory addresses, bool[] memory isRecommendedFlags);

    function isRecommendedVersion(string memory serviceType, string memory version)
        external
        view
        returns (bool);
}
