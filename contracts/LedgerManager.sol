// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {LedgerCollection} from "./base/LedgerCollection.sol";
import {ServiceRegistry} from "./base/ServiceRegistry.sol";
import {UserProviders} from "./base/UserProviders.sol";
import {ILedgerAdditions} from "./interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {IServing} from "./interfaces/IServing.sol";
import {IServingFunds} from "./interfaces/IServingFunds.sol";

/// @title The ledger: one balance per user, from which sub-accounts with providers are filled.
/// @dev The ledger holds exactly the sum of what is available. It credits only `msg.value`, and of a service only
/// what that service sent while it was being collected from.
contract LedgerManager is IERC165, ServiceRegistry, UserProviders, LedgerCollection {
    uint256 public constant MAX_PROVIDERS_PER_BATCH = 20;
    /// @dev No minimums: the smallest amount that is not nothing.
    uint256 public constant MIN_ACCOUNT_BALANCE = 1;
    uint256 public constant MIN_TRANSFER_AMOUNT = 1;
    bool public constant initialized = true;

    /// @param initialOwner Registers services; zero address for none, ever.
    constructor(address initialOwner) Ownable(msg.sender) {
        _transferOwnership(initialOwner);
        emit Initialized(1);
    }

    /// @notice There is no proxy: the constructor did it.
    function initialize(address owner) external {
        revert AlreadyInitialized();
    }

    /* DEPOSITS */

    /// @inheritdoc ILedgerManager
    function addLedger(string memory additionalInfo) external payable exclusive returns (uint256, uint256) {
        if (msg.value < MIN_ACCOUNT_BALANCE) revert MinimumDepositRequired(msg.value, MIN_ACCOUNT_BALANCE);
        _checkInfo(additionalInfo);
        if (_isOpen(_recordOf(msg.sender))) revert LedgerExists(msg.sender);

        _credit(msg.sender);
        _setInfo(msg.sender, additionalInfo);
        return (msg.value, 0);
    }

    /// @inheritdoc ILedgerManager
    function updateAdditionalInfo(string memory additionalInfo) external exclusive {
        _checkInfo(additionalInfo);
        _requireOpen(msg.sender);

        _setInfo(msg.sender, additionalInfo);
        emit LedgerInfoUpdated(msg.sender, additionalInfo);
    }

    /// @inheritdoc ILedgerManager
    function depositFund() external payable exclusive {
        if (msg.value == 0) revert ZeroAmountNotAllowed();
        _credit(msg.sender);
    }

    /// @inheritdoc ILedgerManager
    function depositFundFor(address recipient) external payable exclusive {
        if (recipient == address(0)) revert ZeroAddressNotAllowed();
        if (msg.value == 0) revert ZeroAmountNotAllowed();
        _credit(recipient);
    }

    /* WITHDRAWALS */

    /// @inheritdoc ILedgerManager
    function refund(uint256 amount) external {
        _debitForRefund(amount);
        _pay(amount);
    }

    /// @inheritdoc ILedgerManager
    function deleteLedger() external exclusive {
        Record storage record = _requireOpen(msg.sender);
        uint256 total = _availableIn(record) + _lockedOf(_services, msg.sender);
        if (total != 0) revert MustWithdrawAllFundsFirst(total);
        _close(msg.sender);
    }

    /* SUB-ACCOUNTS */

    /// @inheritdoc ILedgerManager
    function transferFund(address provider, string memory serviceName, uint256 amount) external exclusive {
        // Check
        Record storage record = _requireOpen(msg.sender);
        address service = _serviceNamed(serviceName);
        bool isNew = !IServing(service).accountExists(msg.sender, provider);
        if (isNew && amount < MIN_TRANSFER_AMOUNT) {
            revert MinimumDepositRequired(amount, MIN_TRANSFER_AMOUNT);
        }
        uint256 cancelled =
            isNew ? 0 : Math.min(amount, IServing(service).getPendingRefund(msg.sender, provider));
        uint256 moved = amount - cancelled;

        // Effect
        if (isNew) _listProvider(service, msg.sender, provider);
        _debit(record, moved);
        emit Transferred(msg.sender, service, provider, moved);

        // Interaction
        bytes memory data = isNew
            ? abi.encodeCall(IServing.addAccount, (msg.sender, provider, _infoOf(msg.sender)))
            : abi.encodeCall(IServing.depositFund, (msg.sender, provider, cancelled));
        (bool ok, bytes memory reason) = service.call{value: moved}(data);
        if (!ok) _bubble(reason);
    }

    /// @inheritdoc ILedgerManager
    function retrieveFund(address[] memory providers, string memory serviceName) external exclusive {
        if (providers.length > MAX_PROVIDERS_PER_BATCH) {
            revert TooManyProviders(providers.length, MAX_PROVIDERS_PER_BATCH);
        }
        address service = _serviceNamed(serviceName);
        Record storage record = _requireOpen(msg.sender);

        for (uint256 i; i < providers.length; ++i) {
            if (!IServing(service).accountExists(msg.sender, providers[i])) continue;
            _collect(record, service, providers[i]);
            IServing(service).requestRefundAll(msg.sender, providers[i]);
        }
    }

    /// @inheritdoc ILedgerAdditions
    function onboard(address service, address provider, address signer, uint256 amount)
        external
        payable
        exclusive
    {
        if (!_isRegistered(service)) revert ServiceNotFound(service);
        if (amount < MIN_TRANSFER_AMOUNT) revert MinimumDepositRequired(amount, MIN_TRANSFER_AMOUNT);
        if (msg.value != 0) _credit(msg.sender);
        _debit(_requireOpen(msg.sender), amount);
        emit Transferred(msg.sender, service, provider, amount);

        bool opened = IServingFunds(service).onboard{value: amount}(msg.sender, provider, signer);
        // After the call, whose answer it needs; the ledger is locked until the end.
        if (opened) _listProvider(service, msg.sender, provider);
    }

    /// @inheritdoc ILedgerAdditions
    function requestRefund(address service, address provider, uint256 amount) external exclusive {
        if (!_isRegistered(service)) revert ServiceNotFound(service);
        IServingFunds(service).requestRefund(msg.sender, provider, amount);
    }

    /// @inheritdoc ILedgerAdditions
    function leave() external {
        _pay(_collectEverything());
    }

    /// @inheritdoc ILedgerManager
    function spendFund(address user, uint256 amount) external {
        if (!_isRegistered(msg.sender)) revert CallerNotRegisteredService(msg.sender);
        emit FundSpent(user, msg.sender, amount);
    }

    /* VIEWS */

    /// @inheritdoc ILedgerManager
    function getLedger(address user) public view returns (Ledger memory) {
        uint256 available = _availableIn(_requireOpen(user));
        return Ledger(user, available, available + _lockedOf(_services, user), _infoOf(user));
    }

    /// @inheritdoc ILedgerManager
    function getAllLedgers(uint256 offset, uint256 limit)
        external
        view
        returns (Ledger[] memory ledgers, uint256 total)
    {
        address[] memory users;
        (users, total) = _page(offset, limit);
        ledgers = new Ledger[](users.length);
        for (uint256 i; i < users.length; ++i) {
            ledgers[i] = getLedger(users[i]);
        }
    }

    /// @inheritdoc ILedgerManager
    function getLedgerProviders(address user, string memory serviceName)
        external
        view
        returns (address[] memory)
    {
        return _providersOf(_serviceNamed(serviceName), user);
    }

    /// @inheritdoc ILedgerAdditions
    function providersOf(address user, address service) external view returns (address[] memory) {
        return _providersOf(service, user);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(ILedgerAdditions).interfaceId;
    }

    /* INTERNALS */

    function _close(address user) private {
        _deleteSubAccounts(_services, user);
        _clearRecord(user);
        emit LedgerClosed(user);
    }

    function _debitForRefund(uint256 amount) private exclusive {
        Record storage record = _requireOpen(msg.sender);
        uint256 available = _availableIn(record);
        if (available < amount) revert InsufficientBalance(msg.sender);

        _setAvailable(record, available - amount);
        emit Withdrawn(msg.sender, amount);
        if (available == amount && _lockedOf(_services, msg.sender) == 0) _close(msg.sender);
    }

    /// @dev A service that fails is passed over: it holds up nobody's money but what was sent to it.
    /// @return amount What was available in the end, taken out of the ledger.
    function _collectEverything() private exclusive returns (uint256 amount) {
        Record storage record = _requireOpen(msg.sender);
        for (uint256 i; i < _services.length; ++i) {
            address service = _services[i];
            if (!_usesService(service, msg.sender)) continue;
            address[] memory providers = _providersOf(service, msg.sender);
            for (uint256 j; j < providers.length; ++j) {
                _tryCollect(record, service, providers[j]);
            }
        }

        amount = _availableIn(record);
        _setAvailable(record, 0);
        emit Withdrawn(msg.sender, amount);
        if (_lockedOf(_services, msg.sender) == 0) _close(msg.sender);
    }

    function _pay(uint256 amount) private {
        // slither-disable-next-line arbitrary-send-eth: the caller's own, out of its record
        (bool ok,) = msg.sender.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }

    function _bubble(bytes memory reason) private pure {
        if (reason.length == 0) revert CallFailed();
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
